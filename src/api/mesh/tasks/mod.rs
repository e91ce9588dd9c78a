mod body;

use crate::mesh::tasks::Tasks;
use crate::state::AppState;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use switchtower_layers::{Code, Rejection};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::api::extract::{Json, Path, Query};
use crate::api::refusal::Refusal;
use crate::mesh::tasks::{CancelError, NoAgent, Page, SubmitError, TaskStatus, TaskView};
use body::{TaskRequest, check_cwd};

/// `Retry-After` when the queue is full.
const RETRY_AFTER: Duration = Duration::from_secs(5);
const MAX_LIMIT: usize = 500;
const DEFAULT_LIMIT: usize = 50;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(submit, list)).routes(routes!(one)).routes(routes!(cancel))
}

/// Accepts a task, which is then done in the background.
///
/// The task is stored before the response. It goes to the agent that `target` names, else the
/// configured rules decide.
#[utoipa::path(
    post,
    path = "/tasks",
    tag = "tasks",
    request_body = TaskRequest,
    responses(
        (status = 202, description = "It is accepted.", body = TaskAccepted),
        (status = 400, description = "The request is wrong; `param` names the field."),
        (status = 404, description = "There is no such agent or space, or no agent is online."),
        (status = 413, description = "The request is too large, or its task."),
        (status = 415, description = "It is not sent as JSON."),
        (status = 429, description = "Too many tasks wait already; `Retry-After` says when to come back."),
        (status = 503, description = "The gateway stops."),
    )
)]
async fn submit(
    State(tasks): State<Tasks>,
    Json(request): Json<TaskRequest>,
) -> Result<(StatusCode, axum::Json<TaskAccepted>), Refusal> {
    let submission = request.check()?;
    check_cwd(&submission).await?;
    let accepted = tasks.submit(submission).await?;
    let agents = accepted.agents.join(", ");
    let accepted = TaskAccepted {
        task_id: accepted.task_id,
        status: TaskStatus::Pending,
        message: format!("accepted for {agents} ({})", accepted.reason),
    };
    Ok((StatusCode::ACCEPTED, axum::Json(accepted)))
}

/// A task was accepted.
#[derive(Serialize, ToSchema)]
struct TaskAccepted {
    /// Names it.
    task_id: String,
    /// `pending`.
    status: TaskStatus,
    /// Human-readable: the chosen agent, and the reason.
    message: String,
}

impl From<SubmitError> for Refusal {
    fn from(refused: SubmitError) -> Self {
        let rejection = match refused {
            SubmitError::NoAgent(NoAgent::Unknown(agent)) => {
                Rejection::new(Code::AgentNotFound, format!("there is no agent `{agent}`"))
                    .param("target")
            }
            SubmitError::NoAgent(NoAgent::Online) => Rejection::new(
                Code::AgentNotFound,
                "no agent is online: install claude, codex or another, or list one under `agents`",
            ),
            SubmitError::NoSpace(space) => {
                Rejection::new(Code::SpaceNotFound, format!("there is no space `{space}`"))
                    .param("payload.context.shared_space_id")
            }
            SubmitError::Full => Rejection::new(Code::RateLimited, "too many tasks wait already")
                .retry_after(RETRY_AFTER),
            SubmitError::Stopping => Rejection::new(Code::InternalError, "the gateway stops")
                .status(StatusCode::SERVICE_UNAVAILABLE),
            SubmitError::Database(error) => return error.into(),
        };
        rejection.into()
    }
}

/// Lists tasks, newest first.
///
/// A page ends early when its tasks are large (8 MiB); the last page is the one that is empty.
#[utoipa::path(
    get,
    path = "/tasks",
    tag = "tasks",
    params(Listing),
    responses(
        (status = 200, description = "The tasks.", body = Vec<TaskView>),
        (status = 400, description = "The query is wrong."),
    )
)]
async fn list(
    State(tasks): State<Tasks>,
    Query(listing): Query<Listing>,
) -> Result<axum::Json<Vec<TaskView>>, Refusal> {
    Ok(axum::Json(tasks.list(listing.check()?).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Only those that are so far.
    #[param(inline)]
    status: Option<TaskStatus>,
    /// At most so many.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<usize>,
    /// Only those that were accepted before the one of this id: the last one of the page before.
    #[param(pattern = "^task_[0-9a-f]{32}$", min_length = 37, max_length = 37)]
    after: Option<String>,
}

impl Listing {
    fn check(self) -> Result<Page, Refusal> {
        let wrong = |param: &'static str, message: &'static str| -> Refusal {
            Rejection::new(Code::InvalidRequest, message).param(param).into()
        };
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(wrong("limit", "`limit` has to be from 1 to 500"));
        }
        if !self.after.as_deref().is_none_or(is_id) {
            return Err(wrong("after", "`after` has to be the id of a task"));
        }
        Ok(Page { status: self.status, limit, after: self.after })
    }
}

fn is_id(id: &str) -> bool {
    let is_digit = |c| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    let digits = id.strip_prefix("task_");
    digits.is_some_and(|digits| digits.len() == 32 && digits.bytes().all(is_digit))
}

/// Shows a task.
#[utoipa::path(
    get,
    path = "/tasks/{id}",
    tag = "tasks",
    params(("id" = String, Path, description = "The task's id.")),
    responses(
        (status = 200, description = "The task.", body = TaskView),
        (status = 400, description = "The path is wrong."),
        (status = 404, description = "There is no such task."),
    )
)]
async fn one(
    State(tasks): State<Tasks>,
    Path(id): Path<String>,
) -> Result<axum::Json<TaskView>, Refusal> {
    let task = tasks.get(&id).await?;
    task.map(axum::Json).ok_or_else(|| unknown(&id))
}

fn unknown(id: &str) -> Refusal {
    Rejection::new(Code::TaskNotFound, format!("there is no task `{id}`")).into()
}

/// Takes a task back.
///
/// It is cancelled at once; its agents are ended within seconds. One that is cancelled already
/// stays so.
#[utoipa::path(
    post,
    path = "/tasks/{id}/cancel",
    tag = "tasks",
    params(("id" = String, Path, description = "The task's id.")),
    responses(
        (status = 200, description = "It is cancelled.", body = TaskView),
        (status = 400, description = "The path is wrong."),
        (status = 404, description = "There is no such task."),
        (status = 415, description = "It does not say that it is JSON."),
        (status = 409, description = "It has completed or failed already."),
    )
)]
async fn cancel(
    State(tasks): State<Tasks>,
    Path(id): Path<String>,
) -> Result<axum::Json<TaskView>, Refusal> {
    tasks.cancel(&id).await.map(axum::Json).map_err(|why| match why {
        CancelError::Unknown => unknown(&id),
        CancelError::Ended(status) => {
            let message = format!("the task has {} already", status.as_str());
            let rejection = Rejection::new(Code::InvalidRequest, message);
            rejection.status(StatusCode::CONFLICT).into()
        }
        CancelError::Database(error) => error.into(),
    })
}
