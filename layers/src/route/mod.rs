//! Routes a request to a provider by the model it names, and to the next one when that fails.
//!
//! The layer reads `model` from a [`Buffered`](crate::Buffered) body, asks the [`RoutingTable`]
//! for the plan, and calls the inner service with the targets of it, one after the other, until
//! one answers: each attempt has a [`Target`] in the request's extensions, and that target's own
//! name for the model in the body. All other bytes of the body stay as the client sent them. The
//! answer carries the target in its extensions and in the headers `x-switchtower-provider`,
//! `x-switchtower-model` and `x-switchtower-attempts`.
//!
//! # What fails over
//!
//! [`ResponseClass`] is the table: transport errors, 5xx, deadlines, a key or an account that is refused,
//! restricted or empty, the provider's limits (429, 413 ...), overload (408, 409, 424, 498), an
//! unknown model, a prompt that is too long for it, a page of a proxy in front of the provider, and
//! the rejections of inner layers. Every other 4xx is the client's, and passes as it came. So does a success that turns out to be none
//! before it is *committed*: the moment from which the client has seen bytes that cannot be taken
//! back. [`Commit`] says when that is; by default when content was seen.
//!
//! What content is, and whether an answer is whole, is read by the [`observe`](crate#layers)
//! layer further in. Without it, any event is content and only statuses fail over. Chat
//! Completions and Responses answers are understood, by the path or by a
//! [`Dialect`](crate::Dialect) in the request's extensions; all others pass at once.
//!
//! - After commit a stream that breaks ends in a typed error event of the client's dialect, never
//!   in a clean end.
//! - While another target is left, the `retry` layer further in asks a target again
//!   [only so often](crate::classify::RetryAllowance); if all others turn out to be of no use, it
//!   is asked once more, with the retries that it had left.
//! - When no other target is left, the last one is asked again if its answer broke off
//!   ([once](RouteLayer::again)).
//! - A target that asked to be left alone (429 with a `Retry-After`) is, by all requests
//!   ([`Cooldowns`]); so is a provider with nothing left to spend.
//! - The head of a stream that is held for long leaves after [15 s](RouteLayer::max_head_delay) with
//!   keep-alive comments, and failover goes on behind them. A Responses stream that is translated
//!   begins then, and whatever answers at last goes on with its id and sequence numbers.
//! - Behind a [`RequestDeadline`](crate::classify::RequestDeadline) deadline in the request's extensions no attempt is
//!   begun; one that is under way is ended by the `deadlines` layer further in.
//!
//! | the end of the plan | status | code |
//! |---|---|---|
//! | a body that is not a JSON object, or names no model where there is no default | 400 | `INVALID_REQUEST` |
//! | the client may not use the model ([`ModelAllowlist`]) | 403 | `FORBIDDEN` |
//! | inner layers found the request wrong for every target | 400, 413 | the last of their words, as it came |
//! | every target is in a cooldown after a 429, or has an empty account besides | 429 | `RATE_LIMITED`, with the soonest `Retry-After` |
//! | every target's account is empty | 429 | `QUOTA_EXHAUSTED`, with the soonest `Retry-After` |
//! | no target was attempted for another reason | 503 | `NO_PROVIDER`, with the reason per provider and `Retry-After` of the soonest |
//! | all answers were 429 | 429 | the last one as it came, with the smallest `Retry-After` |
//! | the last answer was another 4xx | 4xx | as it came; a 401 or 403 not to a Responses client, which would take it for its own |
//! | the total deadline passed | 504 | `DEADLINE_EXCEEDED` |
//! | all else | 502 | `PROVIDER_ERROR`, with the reason per attempt |
//!
//! `tower::steer` picks one of several services and waits until all of them are ready; here one
//! inner service serves every target and looks at the [`Target`].
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::{BodyExt, Full};
//! use switchtower_layers::{Buffered, Target, buffer::BufferLayer};
//! use switchtower_layers::route::{Provider, RouteLayer, RoutingTable};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), switchtower_layers::BoxError> {
//! let table = RoutingTable::builder()
//!     .provider(Provider::new("ollama").models(["qwen3:14b"]).alias("gpt-5.1", "qwen3:14b"))
//!     .build()?;
//! let service = ServiceBuilder::new()
//!     .layer(BufferLayer::new(64 << 20))
//!     .layer(RouteLayer::new(table))
//!     .service(service_fn(async |request: http::Request<Buffered>| {
//!         let target = request.extensions().get::<Target>().unwrap();
//!         assert_eq!(&*target.provider, "ollama");
//!         Ok::<_, std::convert::Infallible>(http::Response::new(request.into_body()))
//!     }));
//! let request = http::Request::new(Full::<Bytes>::from(r#"{"model":"gpt-5.1","n":1}"#));
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.headers()["x-switchtower-model"], "qwen3:14b");
//! let echoed = response.into_body().collect().await?.to_bytes();
//! assert_eq!(echoed, r#"{"model":"qwen3:14b","n":1}"#);
//! # Ok(()) }
//! ```
//!
//! [`ResponseClass`]: crate::classify::ResponseClass
//! [`Target`]: crate::Target

mod attempts;
mod begun_stream;
mod body;
mod call;
mod commit;
mod cursor;
mod events;
mod failures;
mod future;
mod held_frames;
mod layer;
mod model_allowlist;
mod pattern;
mod plan;
mod responses;
mod service;
mod table;

pub use crate::cooldowns::{Cooldowns, HoldReason};
pub use body::RouteBody;
pub use commit::{Commit, UnknownCommit};
pub use future::ResponseFuture;
pub use layer::RouteLayer;
pub use model_allowlist::ModelAllowlist;
pub use pattern::Pattern;
pub use plan::{Plan, Skipped};
pub use service::Route;
pub use table::{Provider, RoutingTable, RoutingTableBuilder, UnknownProvider};

#[cfg(test)]
#[cfg(all(feature = "observe", feature = "responses"))]
mod begun_tests;
#[cfg(test)]
#[cfg(feature = "observe")]
mod course_tests;
#[cfg(test)]
#[cfg(all(feature = "deadlines", feature = "observe"))]
mod edge_tests;
#[cfg(test)]
#[cfg(feature = "observe")]
mod failover_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
#[cfg(feature = "observe")]
mod usage_tests;
