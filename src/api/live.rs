use crate::mesh::Mesh;
use crate::telemetry::feed::RequestFeed;
use std::{
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::State,
    http::{Extensions, HeaderMap},
    response::Response,
};
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use switchtower_layers::{Code, Rejection};
use utoipa::{IntoParams, ToSchema};

use super::{extract::Query, refusal::Refusal, sse};
use crate::{
    auth::Identity,
    config::Scope,
    mesh::events::{EventStream, Filter, MAX_STREAMS},
    telemetry::feed::MAX_LISTENERS,
};

/// The name of the agents' events in a stream of both.
const AGENTS: &[u8] = b"event: agents\n";

/// What else is in the stream.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Also {
    /// Whether the events of `GET /events` are in it, too, under the event name `agents`, as far as
    /// the client's key has the scope `agents`. A page that shows both needs one connection then.
    #[serde(default)]
    #[param(default = false)]
    agents: bool,
    /// With `agents`: the `id` of the last event that was seen; what was missed comes first.
    #[serde(rename = "lastEventId")]
    last: Option<String>,
}

/// An event, as its lines are.
#[derive(Serialize, ToSchema)]
#[schema(as = SentLiveEvent)]
struct Sent {
    /// A `LiveEvent` as JSON; an `Event`, where `event` says so.
    #[schema(content_media_type = "application/json")]
    data: String,
    /// `agents` for an event of the agents, else none.
    event: Option<String>,
    /// Of an event of the agents: where it can be come back to.
    id: Option<String>,
    /// With the first one: after how many milliseconds to come back, should the stream end.
    retry: Option<u64>,
}

/// Calls to models as they end, as Server-Sent Events.
///
/// The first event is `connected`, then a `request` for each call whose answer has ended, at most
/// 10 per second; `left_out` counts the others. No event has a prompt or an answer, and none an
/// `id`: missed events are not repeated, unlike those of agents. A client that reads too slowly is
/// disconnected.
#[utoipa::path(
    get, path = "/model-gateway/events", tag = "gateway",
    params(Also),
    responses(
        (status = 200, description = "The stream", body = Sent, content_type = "text/event-stream"),
        (status = 400, description = "The query is wrong"),
        (status = 403, description = "A web page of another origin asks"),
        (status = 429, description = "There are as many streams as there may be"),
    ),
)]
pub(super) async fn stream(
    State(feed): State<RequestFeed>,
    State(mesh): State<Mesh>,
    asking: Extensions,
    headers: HeaderMap,
    Query(also): Query<Also>,
) -> Result<Response, Refusal> {
    let mut events = match also.agents && Identity::may(&asking, Scope::Agents) {
        true => Some(agents(&mesh, &headers, also.last.as_deref())?),
        false => None,
    };
    let Some(mut listener) = feed.listen() else {
        let message = format!("there are {MAX_LISTENERS} streams of requests already");
        let rejection = Rejection::new(Code::RateLimited, message);
        return Err(rejection.retry_after(Duration::from_secs(5)).into());
    };
    Ok(sse::response(move |cx| match (listener.poll_next(cx), &mut events) {
        (Poll::Pending, Some(events)) => next(events, cx),
        (next, _) => next,
    }))
}

fn agents(mesh: &Mesh, headers: &HeaderMap, last: Option<&str>) -> Result<EventStream, Refusal> {
    let header = headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    let everything = Filter { task: None, space: None };
    match mesh.events.subscribe(everything, header.or(last)) {
        Some(subscription) => Ok(subscription.into_stream(None, mesh.agents.list())),
        None => {
            let message = format!("there are {MAX_STREAMS} event streams already");
            let rejection = Rejection::new(Code::RateLimited, message);
            Err(rejection.retry_after(Duration::from_secs(5)).into())
        }
    }
}

fn next(events: &mut EventStream, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
    events.poll_next(cx).map(|next| {
        let lines = next.ok()?.sse();
        Some(BytesMut::from_iter(AGENTS.iter().chain(&lines)).freeze())
    })
}
