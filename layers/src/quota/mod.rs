//! Passes over providers that have nothing left: no credit, a full window, a limit used up.
//!
//! The gate stands directly inside a router and looks at the request's [`Target`](crate::Target).
//! It knows two things, both from [`Quotas`], a handle that clones and rebuilt layers share:
//!
//! - what a [`QuotaSource`] says: it is read in the background, never while a request waits, and
//!   gives one [`Snapshot`] per name;
//! - what past answers of the target said: [`RateLimitHeaders`], from their `x-ratelimit-*` headers.
//!
//! What is not known counts as available: a source that fails, or has not answered yet, blocks
//! nothing. A request without a target passes.
//!
//! | setting | default |
//! |---|---|
//! | [`QuotaSource::ttl`]: how often it is read | 60 s, at least 1 s |
//! | [`QuotaSource::time_limit`]: how long a read may take | 10 s |
//! | a read that fails | the last snapshots stay until they are older than 3 ttl |
//! | a source that fails | one warning; the same failure again is logged at `debug` |
//! | no query for 10 min, neither by the gate nor [`Quotas::list`] | reads pause until the next query |
//! | [`Quotas::new`]: what the sources call a provider | by its own name |
//! | two sources report the same name | the one that was registered first wins |
//! | a target whose last answer said 0 left | passed over until its reset, at most 24 h |
//! | an answer that says 0 left, but no reset | changes nothing |
//!
//! | answer | status | code |
//! |---|---|---|
//! | the provider's snapshot is not available | 429 | `QUOTA_EXHAUSTED`, with `Retry-After` if its reset is known |
//! | the target's limit is used up | 429 | `QUOTA_EXHAUSTED`, with `Retry-After` |
//!
//! Both are marked as [`Rejected`](crate::Rejected), so that a router further out takes the next
//! target. A pass does not allocate.
//!
//! The headers are read where they are. A service that has to hide them from its clients puts a
//! [`RateLimitHeaders`] into the response's extensions instead. A
//! [rate limit](crate#layers) further in should have its own headers off: they would be taken for
//! the provider's.
//!
//! `tower::limit` and `tower::load` know what this program has sent, not what a provider has left.
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use switchtower_layers::{Dialect, Target};
//! use switchtower_layers::quota::{QuotaGateLayer, QuotaSource, Quotas, Reading, Snapshot};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! struct Account;
//!
//! impl QuotaSource for Account {
//!     fn name(&self) -> &str {
//!         "account"
//!     }
//!
//!     fn read(&self) -> Reading<'_> {
//!         Box::pin(async {
//!             let empty = Snapshot::new(false, "Balance: $0.00");
//!             Ok(vec![("acme".to_owned(), empty)])
//!         })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), switchtower_layers::BoxError> {
//! let quotas = Quotas::default();
//! quotas.watch(Account);
//! let service = ServiceBuilder::new()
//!     .layer(QuotaGateLayer::new(quotas.clone()))
//!     .service(service_fn(async |_: http::Request<()>| {
//!         Ok::<_, Infallible>(http::Response::new(Full::<Bytes>::from("an answer")))
//!     }));
//!
//! let dialect = Dialect::Chat;
//! let target = Target { provider: "acme".into(), model: "m".into(), dialect };
//! let request = http::Request::builder().extension(target).body(())?;
//! let response = service.clone().oneshot(request.clone()).await?;
//! assert_eq!(response.status(), 200, "nothing is known yet");
//!
//! tokio::time::sleep(Duration::from_millis(1)).await;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.status(), 429);
//! # Ok(()) }
//! ```

mod demand;
mod future;
mod layer;
mod quotas;
mod refresh;
mod remaining;
mod reset;
mod service;
mod snapshot;
mod snapshots;
mod source;
mod timestamp;

pub use future::ResponseFuture;
pub use layer::QuotaGateLayer;
pub use quotas::{Quotas, SourceHandle};
pub use remaining::{RateLimitHeaders, RemainingLimit};
pub use service::QuotaGate;
pub use snapshot::{Balance, Snapshot};
pub use source::{QuotaSource, Reading};
pub use timestamp::timestamp;

#[cfg(test)]
#[cfg(feature = "route")]
mod failover_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod refresh_tests;
#[cfg(test)]
mod tests;
