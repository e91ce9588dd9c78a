use crate::config::Config;
use crate::mesh::events::Events;
use crate::state::AppState;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{State, ws::WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection};
use axum::http::header::{HOST, UPGRADE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchtower_layers::{Code, Rejection};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::socket;
use crate::api::extract::{Json, Query};
use crate::api::refusal::Refusal;
use crate::api::sse;
use crate::mesh::Mesh;
use crate::mesh::events::{Event, EventStream, Filter, MAX_STREAMS};

/// Maximum size of a broadcast's data as JSON, in bytes.
const MAX_DATA_LEN: usize = 64 << 10;
const MAX_TYPE_LEN: usize = 64;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(stream))
        .routes(routes!(websocket))
        .routes(routes!(info))
        .routes(routes!(broadcast))
}

/// The WebSocket alone.
pub(super) fn sockets() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(websocket))
}

/// Filters of a stream. Without a task or a space it carries all events; with both, those of
/// either.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Watch {
    /// Events of this task, after how it stands.
    #[serde(rename = "taskId")]
    task: Option<String>,
    /// Events of this space, and of its tasks.
    #[serde(rename = "spaceId")]
    space: Option<String>,
    /// The `id` of the last event that was seen: what was missed comes first. The header
    /// `Last-Event-ID` counts more.
    #[serde(rename = "lastEventId")]
    last: Option<String>,
}

/// An event, as its lines are.
#[derive(Serialize, ToSchema)]
struct SentEvent {
    /// An `Event` as JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
    /// Where it can be come back to.
    id: Option<String>,
    /// With the first one: after how many milliseconds to come back, should the stream end.
    retry: Option<u64>,
}

/// What happens, as Server-Sent Events.
///
/// First come `connected`, for a task `task_status`, and `welcome`, then what was missed, then what
/// happens. Each event is in `data` as JSON with its `type`, `timestamp` and, if it can be come back
/// to, `id`. A client that reads too slowly is dropped.
#[utoipa::path(
    get,
    path = "/events",
    tag = "events",
    params(
        Watch,
        ("Last-Event-ID" = Option<String>, Header, description = "As `lastEventId`"),
    ),
    responses(
        (status = 200, description = "The stream", body = SentEvent, content_type = "text/event-stream"),
        (status = 400, description = "The query is wrong"),
        (status = 403, description = "A web page of another origin asks"),
        (status = 404, description = "There is no such task or space"),
        (status = 429, description = "There are as many streams as there may be"),
    )
)]
async fn stream(
    State(mesh): State<Mesh>,
    headers: HeaderMap,
    Query(watch): Query<Watch>,
) -> Result<Response, Refusal> {
    let mut stream = open(&mesh, &headers, watch).await?;
    // A client that is too slow sees the end of the stream and reconnects.
    Ok(sse::response(move |cx| stream.poll_next(cx).map(|next| Some(next.ok()?.sse()))))
}

/// What happens, over a WebSocket: one event per text message.
///
/// The same events as `/events` has, in the same order. Where `wsPort` is configured, that port has it,
/// too, at `/` and `/ws`. `{"type":"ping"}` is answered with
/// `{"type":"pong"}`; other messages are not read.
#[utoipa::path(
    get,
    path = "/ws",
    tag = "events",
    params(
        Watch,
        ("Last-Event-ID" = Option<String>, Header, description = "As `lastEventId`"),
    ),
    responses(
        (status = 101, description = "The WebSocket"),
        (status = 400, description = "The query or the handshake is wrong"),
        (status = 403, description = "A web page of another origin asks"),
        (status = 404, description = "There is no such task or space"),
        (status = 426, description = "The request is no WebSocket handshake over HTTP/1.1"),
        (status = 429, description = "There are as many streams as there may be"),
    )
)]
async fn websocket(
    State(mesh): State<Mesh>,
    headers: HeaderMap,
    Query(watch): Query<Watch>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Response> {
    let upgrade = upgrade.map_err(|error| no_handshake(&error))?;
    let stream = open(&mesh, &headers, watch).await.map_err(IntoResponse::into_response)?;
    Ok(socket::serve(upgrade, stream))
}

fn no_handshake(error: &WebSocketUpgradeRejection) -> Response {
    let message = format!("open a WebSocket over HTTP/1.1 here, or GET /events: {error}");
    let rejection = Rejection::new(Code::InvalidRequest, message);
    let mut response: Response = rejection.status(StatusCode::UPGRADE_REQUIRED).into_response();
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    response
}

async fn open(mesh: &Mesh, headers: &HeaderMap, watch: Watch) -> Result<EventStream, Refusal> {
    let Watch { task, space, last } = watch;
    let header = headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    let last = header.or(last.as_deref());
    let filter = Filter { task: task.clone(), space: space.clone() };
    // Before the task is looked up: nothing may happen to it unheard in between.
    let Some(subscription) = mesh.events.subscribe(filter, last) else {
        let message = format!("there are {MAX_STREAMS} event streams already");
        let rejection = Rejection::new(Code::RateLimited, message);
        return Err(rejection.retry_after(Duration::from_secs(5)).into());
    };
    if let Some(id) = space
        && !mesh.spaces.exists(&id).await?
    {
        return Err(super::spaces::unknown(&id));
    }
    let task = match task {
        None => None,
        Some(id) => match mesh.tasks.get(&id).await? {
            Some(task) => Some(task),
            None => return Err(Rejection::new(Code::TaskNotFound, "there is no such task").into()),
        },
    };
    Ok(subscription.into_stream(task, mesh.agents.list()))
}

/// How to listen.
#[derive(Serialize, ToSchema)]
struct SocketInfo {
    /// For a person.
    message: &'static str,
    /// Where to listen, and where to speak.
    endpoints: SocketEndpoints,
    /// In JavaScript.
    example: String,
}

#[derive(Serialize, ToSchema)]
struct SocketEndpoints {
    /// The WebSocket.
    websocket: String,
    /// The same as Server-Sent Events.
    events: String,
    /// Sends an event to all clients, by POST.
    broadcast: String,
}

/// How to open the WebSocket.
#[utoipa::path(
    get,
    path = "/ws-info",
    tag = "events",
    responses((status = 200, description = "Where it is, and an example", body = SocketInfo))
)]
async fn info(
    State(config): State<Arc<Config>>,
    uri: Uri,
    headers: HeaderMap,
) -> axum::Json<SocketInfo> {
    let (http, ws) = match config.scheme() {
        "https" => ("https", "wss"),
        _ => ("http", "ws"),
    };
    // The guard has seen it.
    let header = || headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = uri.authority().map(http::uri::Authority::as_str).or_else(header);
    let host = host.unwrap_or("localhost");
    axum::Json(SocketInfo {
        message: "Events over WebSocket: a JSON object with a `type` in each message. Add \
                  ?taskId=, ?spaceId= or both to hear of these only, and ?lastEventId= to hear what \
                  was missed.",
        endpoints: SocketEndpoints {
            websocket: format!("{ws}://{host}/ws"),
            events: format!("{http}://{host}/events"),
            broadcast: format!("{http}://{host}/broadcast"),
        },
        example: format!(
            "new WebSocket('{ws}://{host}/ws').onmessage = message => console.log(JSON.parse(message.data))"
        ),
    })
}

/// A broadcast event.
#[derive(Deserialize, ToSchema)]
struct Broadcast {
    /// A type of your own.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._:-]+$")]
    r#type: String,
    /// What goes with it: at most 64 KiB as JSON.
    #[serde(default)]
    data: Value,
}

#[derive(Serialize, ToSchema)]
struct BroadcastDelivered {
    /// How many clients it went to.
    delivered: usize,
}

/// Sends an event to all clients, except those that listen to one task or space.
#[utoipa::path(
    post,
    path = "/broadcast",
    tag = "events",
    request_body = Broadcast,
    responses(
        (status = 200, description = "It was told", body = BroadcastDelivered),
        (status = 400, description = "The body is wrong, or the type is one of the gateway's"),
        (status = 413, description = "There is too much data"),
        (status = 415, description = "The body is no JSON"),
    )
)]
async fn broadcast(
    State(events): State<Events>,
    Json(Broadcast { r#type, data }): Json<Broadcast>,
) -> Result<axum::Json<BroadcastDelivered>, Refusal> {
    let invalid = |message: String| Rejection::new(Code::InvalidRequest, message).param("type");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if r#type.is_empty() || r#type.len() > MAX_TYPE_LEN || !r#type.bytes().all(is_plain) {
        let message = format!("`type` has 1 to {MAX_TYPE_LEN} letters, digits and ._:- only");
        return Err(invalid(message).into());
    }
    if Event::BUILT_IN.contains(&&*r#type) {
        let message = format!("`{type}` is told by the gateway itself: take a type of your own");
        return Err(invalid(message).into());
    }
    if data.to_string().len() > MAX_DATA_LEN {
        let message = format!("`data` has more than {MAX_DATA_LEN} bytes");
        return Err(Rejection::new(Code::PayloadTooLarge, message).param("data").into());
    }
    let delivered = events.publish(&Event::Custom { r#type, data }, None, None);
    Ok(axum::Json(BroadcastDelivered { delivered }))
}
