use crate::mesh::spaces::Spaces;
use crate::state::AppState;
use axum::extract::{DefaultBodyLimit, State};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use switchtower_layers::{Code, Rejection};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::artifacts;
use crate::api::extract::{Json, Path, Query};
use crate::api::refusal::Refusal;
use crate::mesh::spaces::{Error, Found, Message, NewMessage, Refused, SpaceView, limits};

/// Maximum size of a request body, in bytes: a content of 1 MiB may take six times as much as JSON.
const MAX_BODY_LEN: usize = 8 << 20;
const DEFAULT_LIMIT: u64 = 50;
const MAX_LIMIT: u64 = 500;
/// Maximum id: the largest integer that a JavaScript number holds exactly.
const MAX_ID: u64 = (1 << 53) - 1;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, delete))
        .routes(routes!(add, messages))
        .routes(routes!(search))
        .layer(DefaultBodyLimit::max(MAX_BODY_LEN))
        .merge(artifacts::routes())
}

pub(super) fn unknown(id: &str) -> Refusal {
    let shown: String = id.chars().take(64).collect();
    Rejection::new(Code::SpaceNotFound, format!("there is no space `{shown}`")).into()
}

/// `id` is the space's.
pub(super) fn refused(error: Error, id: &str) -> Refusal {
    match error {
        Error::Refused(Refused::Unknown) => unknown(id),
        Error::Refused(Refused::TooLarge(message)) => {
            Rejection::new(Code::PayloadTooLarge, message).into()
        }
        Error::Refused(Refused::Full(message)) => {
            Rejection::new(Code::QuotaExhausted, message).into()
        }
        Error::Database(error) => error.into(),
    }
}

fn invalid(param: &'static str, message: impl Into<String>) -> Refusal {
    Rejection::new(Code::InvalidRequest, message.into()).param(param).into()
}

fn limit(limit: Option<u64>) -> Result<usize, Refusal> {
    match limit.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit as usize),
        _ => Err(invalid("limit", format!("`limit` is 1 to {MAX_LIMIT}"))),
    }
}

/// Which part of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Page {
    /// At most so many.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u64>,
    /// The `shared_space_id` of the last one that was seen.
    after: Option<String>,
}

/// Which part of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MessagePage {
    /// At most so many. There may be fewer: a list ends after 8 MiB.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u64>,
    /// The `id` of the last one that was seen.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    after: Option<u64>,
}

/// What is looked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Search {
    /// Words, all of which have to be there. A word may go on; of a text in a script without spaces
    /// between words, any part is found.
    #[param(min_length = 1, max_length = 256, pattern = r"[^\s\x00-\x1f\x7f-\x9f]")]
    q: String,
    /// At most so many.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u64>,
}

/// A space to be made.
#[derive(Deserialize, ToSchema)]
struct NewSpace {
    /// Anything that is to be known about it: at most 64 KiB as JSON.
    metadata: Option<Map<String, Value>>,
}

#[derive(Serialize, ToSchema)]
struct SpaceCreated {
    /// Names the space.
    space_id: String,
}

#[derive(Serialize, ToSchema)]
struct SpaceDeleted {
    /// Named the space.
    space_id: String,
    /// `deleted`.
    status: &'static str,
}

/// A message to be added.
#[derive(Deserialize, ToSchema)]
struct SpaceMessage {
    /// `user` when it is left out.
    #[schema(min_length = 1, max_length = 64)]
    role: Option<String>,
    /// Sender of the message.
    #[schema(max_length = 256)]
    source: Option<String>,
    /// What is said: at most 1 MiB.
    #[schema(min_length = 1, max_length = 1_048_576)]
    content: String,
    /// Anything else: at most 64 KiB as JSON.
    metadata: Option<Map<String, Value>>,
}

/// Makes a space.
#[utoipa::path(
    post,
    path = "/spaces",
    tag = "spaces",
    request_body = NewSpace,
    responses(
        (status = 201, description = "It was made", body = SpaceCreated),
        (status = 400, description = "The body is wrong"),
        (status = 413, description = "It is too large"),
        (status = 415, description = "The body is no JSON"),
        (status = 429, description = "There is no room for more"),
    )
)]
async fn create(
    State(spaces): State<Spaces>,
    Json(NewSpace { metadata }): Json<NewSpace>,
) -> Result<(http::StatusCode, axum::Json<SpaceCreated>), Refusal> {
    let metadata = Value::Object(metadata.unwrap_or_default());
    let space = spaces.create(metadata).await.map_err(|error| refused(error, ""))?;
    Ok((http::StatusCode::CREATED, axum::Json(SpaceCreated { space_id: space.shared_space_id })))
}

/// The spaces, newest first.
#[utoipa::path(
    get,
    path = "/spaces",
    tag = "spaces",
    params(Page),
    responses(
        (status = 200, description = "The spaces", body = Vec<SpaceView>),
        (status = 400, description = "The query is wrong"),
    )
)]
async fn list(
    State(spaces): State<Spaces>,
    Query(page): Query<Page>,
) -> Result<axum::Json<Vec<SpaceView>>, Refusal> {
    Ok(axum::Json(spaces.list(limit(page.limit)?, page.after).await?))
}

/// A space.
#[utoipa::path(
    get,
    path = "/spaces/{id}",
    tag = "spaces",
    params(("id" = String, Path, description = "The space's id")),
    responses(
        (status = 200, description = "The space", body = SpaceView),
        (status = 400, description = "The path is wrong"),
        (status = 404, description = "There is no such space"),
    )
)]
async fn get(
    State(spaces): State<Spaces>,
    Path(id): Path<String>,
) -> Result<axum::Json<SpaceView>, Refusal> {
    let space = spaces.get(&id).await?;
    space.map(axum::Json).ok_or_else(|| unknown(&id))
}

/// Deletes a space with all that is in it.
#[utoipa::path(
    delete,
    path = "/spaces/{id}",
    tag = "spaces",
    params(("id" = String, Path, description = "The space's id")),
    responses(
        (status = 200, description = "It is gone", body = SpaceDeleted),
        (status = 400, description = "The path is wrong"),
        (status = 404, description = "There is no such space"),
    )
)]
async fn delete(
    State(spaces): State<Spaces>,
    Path(id): Path<String>,
) -> Result<axum::Json<SpaceDeleted>, Refusal> {
    if spaces.delete(&id).await? {
        return Ok(axum::Json(SpaceDeleted { space_id: id, status: "deleted" }));
    }
    Err(unknown(&id))
}

/// Adds a message.
#[utoipa::path(
    post,
    path = "/spaces/{id}/messages",
    tag = "spaces",
    params(("id" = String, Path, description = "The space's id")),
    request_body = SpaceMessage,
    responses(
        (status = 201, description = "It was added", body = Message),
        (status = 400, description = "The body or the path is wrong"),
        (status = 404, description = "There is no such space"),
        (status = 413, description = "It is too large"),
        (status = 415, description = "The body is no JSON"),
        (status = 429, description = "There is no room for more"),
    )
)]
async fn add(
    State(spaces): State<Spaces>,
    Path(id): Path<String>,
    Json(SpaceMessage { role, source, content, metadata }): Json<SpaceMessage>,
) -> Result<(http::StatusCode, axum::Json<Message>), Refusal> {
    let role = role.unwrap_or_else(|| "user".into());
    if role.is_empty() || role.chars().count() > limits::ROLE {
        return Err(invalid("role", format!("`role` has 1 to {} characters", limits::ROLE)));
    }
    if source.as_ref().is_some_and(|source| source.chars().count() > limits::SOURCE) {
        return Err(invalid(
            "source",
            format!("`source` has at most {} characters", limits::SOURCE),
        ));
    }
    if content.is_empty() {
        return Err(invalid("content", "`content` is empty"));
    }
    let metadata = Value::Object(metadata.unwrap_or_default());
    let message = NewMessage { role, source, task_id: None, content, metadata };
    let message = spaces.add(&id, message).await.map_err(|error| refused(error, &id))?;
    Ok((http::StatusCode::CREATED, axum::Json(message)))
}

/// A space's messages, oldest first.
#[utoipa::path(
    get,
    path = "/spaces/{id}/messages",
    tag = "spaces",
    params(("id" = String, Path, description = "The space's id"), MessagePage),
    responses(
        (status = 200, description = "The messages", body = Vec<Message>),
        (status = 400, description = "The query or the path is wrong"),
        (status = 404, description = "There is no such space"),
    )
)]
async fn messages(
    State(spaces): State<Spaces>,
    Path(id): Path<String>,
    Query(page): Query<MessagePage>,
) -> Result<axum::Json<Vec<Message>>, Refusal> {
    let after = page.after.unwrap_or_default();
    if after > MAX_ID {
        return Err(invalid("after", format!("`after` is at most {MAX_ID}")));
    }
    let messages = spaces.messages(&id, limit(page.limit)?, after).await?;
    messages.map(axum::Json).ok_or_else(|| unknown(&id))
}

/// The messages in which some words are, best first.
#[utoipa::path(
    get,
    path = "/spaces/{id}/search",
    tag = "spaces",
    params(("id" = String, Path, description = "The space's id"), Search),
    responses(
        (status = 200, description = "What was found", body = Vec<Found>),
        (status = 400, description = "The query or the path is wrong"),
        (status = 404, description = "There is no such space"),
    )
)]
async fn search(
    State(spaces): State<Spaces>,
    Path(id): Path<String>,
    Query(Search { q, limit: most }): Query<Search>,
) -> Result<axum::Json<Vec<Found>>, Refusal> {
    let is_blank = |c: char| c.is_whitespace() || c.is_control();
    if q.chars().all(is_blank) || q.chars().count() > limits::QUERY {
        let message = format!("`q` has 1 to {} characters, and not blanks only", limits::QUERY);
        return Err(invalid("q", message));
    }
    let found = spaces.search(&id, q, limit(most)?).await?;
    found.map(axum::Json).ok_or_else(|| unknown(&id))
}
