//! Ends an attempt that does not start, falls silent or takes too long.
//!
//! A call to a model has no single right timeout: a good answer may take many minutes, while a
//! stream that falls silent in the middle of it is dead. So an attempt has several deadlines, each
//! of which can be switched off by `None` or zero:
//!
//! | deadline | from | until | default |
//! |---|---|---|---|
//! | [`headers`](Settings::headers) | the call | the head; streamed requests only | 60 s |
//! | [`first_token`](Settings::first_token) | the call | the first content of a stream; the head of a plain answer | 180 s |
//! | [`idle`](Settings::idle) | the first content of a stream, the head of a plain answer, or any piece of the body after it | the next piece | 60 s |
//! | [`RequestDeadline`] | set by [`RequestDeadlineLayer`], once per request | the end of the body | 30 min |
//!
//! The head of a plain answer comes when the model has finished, so the short `headers` deadline
//! is for streams. A model may think in silence before its first content, and then nothing is gained
//! by another attempt, which is paid a second time: until there is content only `first_token` bounds
//! the silence of a stream. Without `first_token`, `idle` does so from the head on.
//!
//! A request is streamed if its [`Streamed`] extension says so, or, when it has none, if its `Accept`
//! lists `text/event-stream`. With a [`Target`] in the request, the settings can be
//! [the target's own](DeadlinesLayer::for_target).
//!
//! *Content* is what the `observe` layer further in says it is: this layer puts an [`Exchange`]
//! into a request that has none, and reads `content` from it after each frame. If the answer is not
//! observed, or cannot be (the response carries no [`Exchange`] with an attempt that was begun by
//! this call, it is an error's, or the path is neither Chat Completions nor Responses), the first
//! data of the body counts.
//!
//! What passed is named by a [`DeadlineError`], and the call inward is dropped at once:
//!
//! - before the head, the answer is a 504 `DEADLINE_EXCEEDED` with the error in its extensions. It
//!   is not marked as [`Rejected`]: the attempt was made;
//! - in the body, the error is the body's, and then the body ends; behind the finish reason, where a
//!   stream may be left open, it just ends;
//! - either way it is the attempt's fault in the [`Exchange`].
//!
//! An answer or a frame that is there wins against a timer that has fired as well; only the second
//! frame in a row that comes too late is refused, so that a stream of which something is always
//! there does not outrun its deadlines. There is one timer per attempt, made when there is
//! something to wait for and moved on only when it fires: a frame costs a look at the clock. It
//! needs a tokio runtime with time enabled.
//!
//! `tower::timeout` and `tower_http::timeout` bound the time to the head, the former with an error
//! instead of an answer; the latter's body layer bounds the time between frames, with a new timer
//! for each. Neither distinguishes a stream from a plain answer, or a token from a keep-alive
//! comment.
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use switchtower_layers::request::Streamed;
//! use switchtower_layers::deadlines::{Deadline, DeadlineError, DeadlinesLayer, Settings, RequestDeadlineLayer};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), switchtower_layers::BoxError> {
//! let settings = Settings { headers: Some(Duration::from_secs(10)), ..Settings::default() };
//! let service = ServiceBuilder::new()
//!     .layer(RequestDeadlineLayer::new(Duration::from_secs(1800)))
//!     .layer(DeadlinesLayer::new(settings))
//!     .service(service_fn(async |_: http::Request<()>| {
//!         tokio::time::sleep(Duration::from_secs(60)).await;
//!         Ok::<_, Infallible>(http::Response::new(Full::<Bytes>::from("too late")))
//!     }));
//!
//! let request = http::Request::builder().extension(Streamed(true)).body(())?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.status(), 504);
//! let passed = response.extensions().get::<DeadlineError>().unwrap();
//! assert_eq!(passed.which, Deadline::Headers);
//! assert_eq!(passed.to_string(), "no answer within 10000 ms");
//! # Ok(()) }
//! ```
//!
//! [`Exchange`]: crate::Exchange
//! [`Rejected`]: crate::Rejected
//! [`Streamed`]: crate::request::Streamed
//! [`Target`]: crate::Target

mod body;
mod future;
mod layer;
mod schedule;
mod service;
mod settings;
mod timer;
mod total;

pub use crate::classify::RequestDeadline;
pub use crate::classify::{Deadline, DeadlineError};
pub use body::ResponseBody;
pub use future::ResponseFuture;
pub use layer::DeadlinesLayer;
pub use service::Deadlines;
pub use settings::Settings;
pub use total::{RequestDeadlineLayer, SetRequestDeadline};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;
