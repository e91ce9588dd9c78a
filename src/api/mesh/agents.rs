use crate::mesh::agents::Agents;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchtower_layers::{Code, Rejection};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::extract::{Json, Path};
use crate::api::refusal::Refusal;
use crate::mesh::agents::{Kind, RegisterError, Registration, Summary, UnregisterError};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_agents, register_agent))
        .routes(routes!(get_agent, unregister_agent))
}

/// Lists the agents: configured, built-in and registered ones, in this order.
#[utoipa::path(
    get,
    path = "/agents",
    tag = "agents",
    responses((status = 200, description = "All agents", body = Vec<Summary>))
)]
async fn list_agents(State(agents): State<Agents>) -> axum::Json<Vec<Summary>> {
    axum::Json(agents.list())
}

/// One agent.
#[utoipa::path(
    get,
    path = "/agents/{id}",
    tag = "agents",
    params(("id" = String, Path, description = "The agent's id")),
    responses(
        (status = 200, description = "The agent", body = Summary),
        (status = 400, description = "`INVALID_REQUEST`: the path is no text"),
        (status = 404, description = "`AGENT_NOT_FOUND`: there is none of this id"),
    )
)]
async fn get_agent(
    State(agents): State<Agents>,
    Path(id): Path<String>,
) -> Result<axum::Json<Summary>, Refusal> {
    agents.get(&id).map(axum::Json).ok_or_else(|| unknown(&id))
}

/// Registers an endpoint as an agent, in the place of another that was registered under its id.
#[utoipa::path(
    post,
    path = "/agents",
    tag = "agents",
    request_body = NewAgent,
    responses(
        (status = 201, description = "It is registered", body = Registered),
        (status = 400, description = "`INVALID_REQUEST`: the named field is wrong, or the endpoint is not on this machine"),
        (status = 409, description = "`INVALID_REQUEST`: an agent of this id is configured or built in"),
        (status = 413, description = "`PAYLOAD_TOO_LARGE`: the body is too large"),
        (status = 415, description = "`UNSUPPORTED_MEDIA_TYPE`: the body is no JSON"),
        (status = 429, description = "`RATE_LIMITED`: 256 agents are registered"),
    )
)]
async fn register_agent(
    State(agents): State<Agents>,
    Json(new): Json<NewAgent>,
) -> Result<(StatusCode, axum::Json<Registered>), Refusal> {
    for (field, value) in [("command", &new.command), ("args", &new.args), ("env", &new.env)] {
        if value.is_some() {
            let message = format!(
                "`{field}` is not taken: over HTTP only endpoints are registered; list a program \
                 under `agents` in the configuration"
            );
            return Err(Rejection::new(Code::InvalidRequest, message).param(field).into());
        }
    }
    let NewAgent { id, name, r#type: kind, capabilities, endpoint, .. } = new;
    let capabilities = capabilities.into_iter().map(|capability| capability.0).collect();
    let registration = Registration { id, name, kind, capabilities, endpoint };
    let summary = agents.register(registration).await?;
    let registered = Registered { id: summary.id, status: RegisteredStatus::Registered };
    Ok((StatusCode::CREATED, axum::Json(registered)))
}

/// Removes an agent that was registered. What it is at work on goes on.
#[utoipa::path(
    delete,
    path = "/agents/{id}",
    tag = "agents",
    params(("id" = String, Path, description = "The agent's id")),
    responses(
        (status = 200, description = "It is not registered any more", body = Unregistered),
        (status = 400, description = "`INVALID_REQUEST`: the path is no text, or may not be sent"),
        (status = 403, description = "`FORBIDDEN`: it is configured or built in"),
        (status = 404, description = "`AGENT_NOT_FOUND`: there is none of this id"),
    )
)]
async fn unregister_agent(
    State(agents): State<Agents>,
    Path(id): Path<String>,
) -> Result<axum::Json<Unregistered>, Refusal> {
    match agents.unregister(&id).await {
        Ok(()) => Ok(axum::Json(Unregistered { id, status: UnregisteredStatus::Unregistered })),
        Err(UnregisterError::Unknown) => Err(unknown(&id)),
        Err(UnregisterError::Database(error)) => Err(error.into()),
        Err(error @ UnregisterError::NotRegistered) => {
            Err(Rejection::new(Code::Forbidden, error.to_string()).into())
        }
    }
}

fn unknown(id: &str) -> Refusal {
    Rejection::new(Code::AgentNotFound, format!("there is no agent `{id}`")).into()
}

impl From<RegisterError> for Refusal {
    fn from(error: RegisterError) -> Self {
        let rejection = |code| Rejection::new(code, error.to_string());
        match &error {
            RegisterError::Invalid { field, .. } => {
                rejection(Code::InvalidRequest).param(*field).into()
            }
            RegisterError::Taken => {
                rejection(Code::InvalidRequest).status(StatusCode::CONFLICT).param("id").into()
            }
            RegisterError::Full => rejection(Code::RateLimited).into(),
            RegisterError::Database(error) => error.clone().into(),
        }
    }
}

/// An endpoint that is to be an agent. A `command`, `args` or `env` is refused.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"id": "mine", "name": "Mine", "type": "http", "capabilities": ["code"],
    "endpoint": "http://127.0.0.1:9000/tasks"}))]
struct NewAgent {
    /// Names it in tasks and rules. Not `gateway`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_][A-Za-z0-9._-]*$")]
    id: String,
    /// For people.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
    name: String,
    /// What it is; it is reached at its endpoint, whatever that is.
    r#type: Kind,
    /// What it is good at, for people.
    #[serde(default)]
    #[schema(max_items = 64)]
    capabilities: Vec<Capability>,
    /// Where tasks are posted to: an absolute `http` or `https` URL without userinfo and fragment. It
    /// has to lead to this machine's loopback unless `allow_remote_agents` is set.
    #[schema(max_length = 2048, pattern = "^https?://[^@#/?]+([/?][^#]*)?$")]
    endpoint: String,
    #[schema(ignore)]
    command: Option<Value>,
    #[schema(ignore)]
    args: Option<Value>,
    #[schema(ignore)]
    env: Option<Value>,
}

/// What an agent is good at, for people.
#[derive(Deserialize, ToSchema)]
#[schema(min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
struct Capability(String);

/// That an agent was registered.
#[derive(Serialize, ToSchema)]
struct Registered {
    /// Its id.
    id: String,
    status: RegisteredStatus,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum RegisteredStatus {
    Registered,
}

/// That an agent is not registered any more.
#[derive(Serialize, ToSchema)]
struct Unregistered {
    /// Its id.
    id: String,
    status: UnregisteredStatus,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum UnregisteredStatus {
    Unregistered,
}
