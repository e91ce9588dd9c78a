//! Reads an answer once, as it passes, and writes what it learns to the [`Exchange`].
//!
//! Whether a call to a model went well is not known when its head arrives: a 200 may turn into an
//! error event, go silent, or end in the middle of a sentence. This layer stands directly around
//! the upstream, frames the answer's events (or its JSON) exactly once, and records whether
//! content was seen, the finish reason, the usage, and what broke the answer.
//!
//! The bytes pass untouched, and an event stream's as soon as their event is whole: a frame never
//! ends inside of an event. Meanwhile an empty frame says that bytes came. A stream that breaks
//! (its transport fails, an event is an error or malformed, or it ends without a finish reason)
//! ends in a body error, never in a clean end; what came before the break has passed. That error
//! is a [`Fault`](crate::exchange::Fault), or the inner body's own.
//!
//! Clients parse the data of every event as JSON, except for `[DONE]`. What providers send besides
//! is therefore taken out of a stream:
//!
//! | event | what becomes of it |
//! |---|---|
//! | no data, or data that is no JSON object (`ping`, `null`, a number, a list) | dropped |
//! | `DONE`, `[done]`, `"[DONE]"` and the like behind the finish reason | `data: [DONE]`, once |
//! | the same before the finish reason | dropped; without a finish reason the stream is broken |
//! | data that begins with `{` or `<` and is not JSON of the expected shape | [`Malformed`]: breaks the stream, or is dropped |
//! | a comment | passes |
//!
//! Layers further out put an [`Exchange`] into the request's extensions, keep a clone, and read
//! its [`AttemptRecord`](crate::exchange::AttemptRecord); when there is none, this layer makes one. Either way
//! the response carries it in its extensions, too.
//!
//! Chat Completions and Responses answers are understood, by the request's path or by a
//! [`Dialect`](crate::Dialect) in the request's extensions; of all others only the end is
//! recorded. An event or a JSON body over [the cap](ObserveLayer::cap) (default 32 MiB) is not
//! held: the event is a fault, the JSON body is passed on unread.
//!
//! ```
//! use http_body_util::{BodyExt, Full};
//! use switchtower_layers::{Exchange, exchange::{Finish, Outcome}, observe::ObserveLayer};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), switchtower_layers::BoxError> {
//! let upstream = service_fn(async |_: http::Request<()>| {
//!     http::Response::builder().header("content-type", "text/event-stream").body(Full::from(
//!         "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
//!     ))
//! });
//! let service = ServiceBuilder::new().layer(ObserveLayer::new()).service(upstream);
//!
//! let exchange = Exchange::default();
//! let request = http::Request::post("/v1/chat/completions").extension(exchange.clone()).body(())?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(exchange.record().outcome(), None, "only the head is here");
//!
//! response.into_body().collect().await?;
//! let record = exchange.record();
//! assert_eq!(record.finish, Some(Finish::Stop));
//! assert_eq!(record.outcome(), Some(Outcome::Success));
//! # Ok(()) }
//! ```
//!
//! [`Exchange`]: crate::Exchange

mod body;
mod chat;
mod data;
mod event_summary;
mod events;
mod future;
mod layer;
mod reader;
mod ready_frames;
mod responses;
mod service;
mod stream;
mod usage;
mod wire;

use crate::classify::error;
pub use body::ObserveBody;
pub use future::ResponseFuture;
pub use layer::{Malformed, ObserveLayer};
pub use service::Observe;

#[cfg(test)]
mod heartbeat_tests;
#[cfg(test)]
mod tests;
