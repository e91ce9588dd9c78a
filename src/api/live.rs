use std::time::Duration;

use axum::{extract::State, response::Response};
use serde::Serialize;
use switchtower_layers::{Code, Rejection};
use utoipa::ToSchema;

use super::{Shared, refusal::Refusal, sse};
use crate::telemetry::live::MOST_LISTENERS;

/// An event, as its lines are.
#[derive(Serialize, ToSchema)]
#[schema(as = SentLiveEvent)]
struct Sent {
    /// A `LiveEvent` as JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
    /// With the first one: after how many milliseconds to come back, should the stream end.
    retry: Option<u64>,
}

/// Calls to models as they end, as Server-Sent Events.
///
/// First comes `connected`, then a `request` for each call whose answer has ended, at most 10 in any
/// second; `left_out` counts the others. No event has a prompt or an answer, and none an `id`: what
/// was missed is not told again. A client that reads too slowly is dropped.
#[utoipa::path(
    get, path = "/model-gateway/events", tag = "gateway",
    responses(
        (status = 200, description = "The stream", body = Sent, content_type = "text/event-stream"),
        (status = 403, description = "A web page of another origin asks"),
        (status = 429, description = "There are as many streams as there may be"),
    ),
)]
pub(super) async fn stream(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let Some(mut listener) = shared.live.listen() else {
        let message = format!("there are {MOST_LISTENERS} streams of requests already");
        let rejection = Rejection::new(Code::RateLimited, message);
        return Err(rejection.retry_after(Duration::from_secs(5)).into());
    };
    Ok(sse::response(move |cx| listener.poll_next(cx)))
}
