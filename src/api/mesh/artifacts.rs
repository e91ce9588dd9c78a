use crate::mesh::spaces::Spaces;
use crate::state::AppState;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use switchtower_layers::{Code, Rejection};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::spaces::{refused, unknown};
use crate::api::extract::{self, Path};
use crate::api::refusal::Refusal;
use crate::mesh::spaces::{Artifact, ArtifactView, limits, name};

const UNSAID: &str = "application/octet-stream";

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, put, delete))
        .layer(DefaultBodyLimit::max(limits::ARTIFACT))
}

#[derive(Serialize, ToSchema)]
struct ArtifactDeleted {
    /// Named the artifact.
    name: String,
    /// `deleted`.
    status: &'static str,
}

/// Any bytes.
#[expect(dead_code, reason = "it stands in the API's description only")]
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
struct ArtifactBytes(Vec<u8>);

fn check(name: &str) -> Result<(), Refusal> {
    let invalid = |why| Rejection::new(Code::InvalidRequest, why).param("name").into();
    name::check(name).map_err(invalid)
}

fn missing(name: &str) -> Refusal {
    let message = format!("the space has no artifact `{name}`");
    Rejection::new(Code::NotFound, message).into()
}

/// A space's artifacts, in order of their names.
#[utoipa::path(
    get,
    path = "/spaces/{id}/artifacts",
    tag = "spaces",
    params(("id" = String, Path, description = "The space's id")),
    responses(
        (status = 200, description = "The artifacts", body = Vec<ArtifactView>),
        (status = 400, description = "The path is wrong"),
        (status = 404, description = "There is no such space"),
    )
)]
async fn list(
    State(spaces): State<Spaces>,
    Path(id): Path<String>,
) -> Result<axum::Json<Vec<ArtifactView>>, Refusal> {
    let artifacts = spaces.artifacts(&id).await?;
    artifacts.map(axum::Json).ok_or_else(|| unknown(&id))
}

/// An artifact's bytes.
#[utoipa::path(
    get,
    path = "/spaces/{id}/artifacts/{name}",
    tag = "spaces",
    params(
        ("id" = String, Path, description = "The space's id"),
        ("name" = String, Path, description = "The artifact's name", min_length = 1, max_length = 255,
         pattern = r"^[^./\\\x00-\x1f\x7f-\x9f][^/\\\x00-\x1f\x7f-\x9f]*$"),
    ),
    responses(
        (status = 200, description = "The bytes, with the content type that they were put there with",
         body = ArtifactBytes, content_type = "*/*"),
        (status = 400, description = "No artifact can have that name"),
        (status = 404, description = "There is no such space or artifact"),
    )
)]
async fn get(
    State(spaces): State<Spaces>,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response<Body>, Refusal> {
    check(&name)?;
    let artifact = spaces.artifact(&id, name.clone()).await?;
    let artifact = artifact.ok_or_else(|| unknown(&id))?.ok_or_else(|| missing(&name))?;
    Ok(attachment(artifact))
}

/// Anybody may have put there anything: no browser may run it, show it or guess what it is.
fn attachment(Artifact { content_type, data }: Artifact) -> Response<Body> {
    let mut response = Response::new(Body::from(data));
    let kind = HeaderValue::from_str(&content_type);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static(UNSAID)));
    for (name, value) in [
        (CONTENT_DISPOSITION, "attachment"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Puts an artifact there, in place of one of the same name.
#[utoipa::path(
    put,
    path = "/spaces/{id}/artifacts/{name}",
    tag = "spaces",
    params(
        ("id" = String, Path, description = "The space's id"),
        ("name" = String, Path, min_length = 1, max_length = 255,
         pattern = r"^[^./\\\x00-\x1f\x7f-\x9f][^/\\\x00-\x1f\x7f-\x9f]*$",
         description = "At most 255 characters, no slashes, no control characters, no dot at the beginning"),
    ),
    request_body(content = ArtifactBytes, content_type = "application/octet-stream",
                 description = "The bytes, at most 16 MiB"),
    responses(
        (status = 200, description = "It took the place of another", body = ArtifactView),
        (status = 201, description = "It is there", body = ArtifactView),
        (status = 400, description = "No artifact can have that name, or that content type"),
        (status = 404, description = "There is no such space"),
        (status = 413, description = "It is too large"),
        (status = 429, description = "There is no room for more"),
    )
)]
async fn put(
    State(spaces): State<Spaces>,
    Path((id, name)): Path<(String, String)>,
    request: Request,
) -> Result<(StatusCode, axum::Json<ArtifactView>), Refusal> {
    check(&name)?;
    let content_type = content_type(request.headers())?;
    // Before the body is read, which may be long.
    if !spaces.exists(&id).await? {
        return Err(unknown(&id));
    }
    let data = extract::bytes(request).await?;
    let artifact = Artifact { content_type, data: data.into() };
    let put = spaces.put(&id, name, artifact).await;
    let (view, is_new) = put.map_err(|error| refused(error, &id))?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, axum::Json(view)))
}

fn content_type(headers: &HeaderMap) -> Result<String, Refusal> {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return Ok(UNSAID.into()) };
    match kind.to_str() {
        Ok(kind) if kind.len() <= limits::CONTENT_TYPE && !kind.trim().is_empty() => {
            Ok(kind.into())
        }
        _ => {
            let message = "the content type has 1 to 255 bytes of ASCII";
            Err(Rejection::new(Code::InvalidRequest, message).param("content-type").into())
        }
    }
}

/// Deletes an artifact.
#[utoipa::path(
    delete,
    path = "/spaces/{id}/artifacts/{name}",
    tag = "spaces",
    params(
        ("id" = String, Path, description = "The space's id"),
        ("name" = String, Path, description = "The artifact's name", min_length = 1, max_length = 255,
         pattern = r"^[^./\\\x00-\x1f\x7f-\x9f][^/\\\x00-\x1f\x7f-\x9f]*$"),
    ),
    responses(
        (status = 200, description = "It is gone", body = ArtifactDeleted),
        (status = 400, description = "No artifact can have that name"),
        (status = 404, description = "There is no such space or artifact"),
    )
)]
async fn delete(
    State(spaces): State<Spaces>,
    Path((id, name)): Path<(String, String)>,
) -> Result<axum::Json<ArtifactDeleted>, Refusal> {
    check(&name)?;
    match spaces.remove(&id, name.clone()).await? {
        Some(true) => Ok(axum::Json(ArtifactDeleted { name, status: "deleted" })),
        Some(false) => Err(missing(&name)),
        None => Err(unknown(&id)),
    }
}
