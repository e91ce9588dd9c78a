//! Asks the same target again when it failed for a moment.
//!
//! A provider that is overloaded, restarting or counting requests per minute often has an answer
//! a second later. This layer waits that second, no longer than the target asks for or the client
//! has time for, and stops when the trouble turns out to be an outage.
//!
//! | an attempt's answer | |
//! |---|---|
//! | a [transport error](crate::classify::TransportError), or an error of the inner service | retried |
//! | 408, 409, 424, 429, 498, 500, 502, 503, 504, 529 ([configurable](Settings::statuses)) | retried, at the earliest after the wait that `retry-after-ms`, `Retry-After` (seconds or a date) or the body names |
//! | one of them whose body [says](crate::classify::ErrorRules) that it is no use: an empty account, a prompt that is too long ... | passed on |
//! | a passed [deadline](crate::classify::DeadlineError): a target that is silent is not asked twice | passed on |
//! | an inner layer's [rejection](crate::Rejected) | passed on; as the answer to a retry, the error before it is |
//! | an error of more than 64 KiB | passed on |
//! | everything else, every success among it | passed on, from the head |
//!
//! An error that could be retried is passed on at once, so that failover further out can act,
//! when it was the last attempt, when the circuit of the target is open now
//! ([`CircuitOpen`](crate::classify::CircuitOpen)), when the target asks for more than the cap, when a
//! [`RequestDeadline`](crate::classify::RequestDeadline) deadline in the request's extensions comes before the end of
//! the wait, or when the [`Budget`] is used up.
//!
//! | setting | default |
//! |---|---|
//! | [`max_retries`](Settings::max_retries) | 3 |
//! | [`before_failover`](Settings::before_failover): retries while a router has another target left | 1 |
//! | [`base_delay`](Settings::base_delay) | 500 ms, doubled with each retry, plus up to as much again of jitter |
//! | [`max_delay`](Settings::max_delay) | 10 s, jitter included |
//! | [`statuses`](Settings::statuses) | 408, 409, 424, 429, 498, 500, 502, 503, 504, 529 |
//! | [`budget`](Settings::budget) | a fifth of the requests, and 10 more in 10 s |
//!
//! With a [`Target`](crate::Target) in the request the settings, and the budget with them, can be
//! [the target's own](RetryLayer::for_target).
//!
//! The body of an error that may be retried is held: what it said decides, and what is not
//! retried passes on byte for byte. An [`Exchange`](crate::Exchange) on the response is asked for
//! what it said, without one the body is read here. A success is never held, and costs a clone of
//! the request: its body has to be cheap to clone, as the `buffer` layer's is. The last attempt is
//! not cloned for.
//!
//! An answer after more than one attempt carries their number as [`Attempts`]. Each retry is one
//! `tracing` event at the info level, with the target, the reason and the wait. Dropping the
//! future cancels the attempt, or the wait. Waiting needs a tokio runtime with time enabled.
//!
//! `tower::retry` leaves all of this to a policy of one's own, which sees the head only: it cannot
//! wait for what an error says and then pass it on. The share of its budget becomes a whole number
//! of requests per retry, so that 0.6 means 1.
//!
//! ```
//! use std::{sync::atomic::{AtomicU32, Ordering}, time::Duration};
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use switchtower_layers::{Buffered, retry::{Attempts, RetryLayer, Settings}};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), switchtower_layers::BoxError> {
//! let calls = AtomicU32::new(0);
//! let settings = Settings { base_delay: Duration::from_millis(100), ..Settings::default() };
//! let service = ServiceBuilder::new().layer(RetryLayer::new(settings)).service(service_fn(
//!     async |_: http::Request<Buffered>| {
//!         let busy = calls.fetch_add(1, Ordering::Relaxed) < 2;
//!         let response = http::Response::builder().status(if busy { 503 } else { 200 });
//!         response.body(Full::<Bytes>::default())
//!     },
//! ));
//!
//! let response = service.oneshot(http::Request::new("{}".into())).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(Attempts::of(&response), Attempts(3));
//! # Ok(()) }
//! ```

mod body;
mod budget;
mod call;
mod future;
mod layer;
mod peeked_body;
mod schedule;
mod service;
mod settings;
mod window;

pub use crate::classify::Attempts;
pub use body::ResponseBody;
pub use budget::Budget;
pub use future::ResponseFuture;
pub use layer::RetryLayer;
pub use service::Retry;
pub use settings::{DEFAULT_STATUSES, Settings};

#[cfg(test)]
mod body_tests;
#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;
