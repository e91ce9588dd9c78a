//! Limits how many requests, or tokens, each client or target may have per period.
//!
//! A request over the limit is answered here, at once, with a 429 and a Retry-After; requests are
//! never queued. Each key has the limit for itself, and a [`KeyExtractor`] says what the key is:
//! [`ByIp`], [`ByClient`], [`ByHeader`], [`ByTarget`] for a limit on the way out, or a closure.
//! State is in the [`Limiter`], a handle that clones and rebuilt layers share.
//!
//! | setting | default |
//! |---|---|
//! | [`Limit`]: amount and period | none: to be given |
//! | [`Limit::burst`]: how many at once | the amount |
//! | [`Limiter::by_path`]: other limits for other paths | one limit for all |
//! | [`Limiter::by_path_or_key`]: a key with a limit of its own | none |
//! | [`RateLimitLayer::cost`]: what a request takes | one |
//! | [`RateLimitLayer::headers`]: `x-ratelimit-*` | on |
//! | requests without a key (`None`) | share one limit |
//! | idle keys | evicted by a call, in the time a burst takes to come back, within 1 s to 60 s |
//!
//! | answer | status | code |
//! |---|---|---|
//! | the limit is used up | 429 | `RATE_LIMITED`, with `Retry-After` in whole seconds, rounded up |
//! | a cost that is more than the burst: waiting would not help | 400 | `INVALID_REQUEST` |
//!
//! Both are marked as [`Rejected`](crate::Rejected), the former with the exact wait, so that a
//! router further out takes the next target. On these and on all answers that pass, three headers
//! say how the key stood when the request was decided on, as OpenAI's API has them:
//!
//! | header | |
//! |---|---|
//! | `x-ratelimit-limit-requests` | the burst |
//! | `x-ratelimit-remaining-requests` | what is left of it |
//! | `x-ratelimit-reset-requests` | the time until all of it is back: `12ms`, `1s`, `8.64s`, `6m0s` |
//!
//! With [`Limit::tokens`] they end in `-tokens`, so that a limit on requests and one on tokens can
//! stand one in the other. They take the place of what an inner service says; a limit on the way
//! out should have them off, for its numbers are none of the client's.
//!
//! The limit holds exactly, however many threads ask: `governor`'s generic cell rate algorithm,
//! one atomic exchange per key. With 60 per minute and a burst of 60, sixty pass at once, and then
//! one more with each second: never more than the burst and the amount in any period. What a
//! request has taken is not given back, whatever becomes of it.
//!
//! `tower::limit::RateLimit` has one limit for everything, is not `Clone`, and makes callers wait
//! in `poll_ready`. `tower_governor` counts requests only, rounds `Retry-After` down, so that it
//! can be 0, fails a request that has no key, leaves eviction to a task of the program's, and runs
//! on a clock that tests cannot pause; its headers have names of their own.
//!
//! ```
//! use std::convert::Infallible;
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use switchtower_layers::rate_limit::{ByHeader, Limit, Limiter, RateLimitLayer};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), switchtower_layers::BoxError> {
//! let limiter = Limiter::new(Limit::per_minute(60).burst(1));
//! let key = ByHeader::new(http::HeaderName::from_static("x-api-key"));
//! let service = ServiceBuilder::new()
//!     .layer(RateLimitLayer::new(limiter, key))
//!     .service(service_fn(async |_: http::Request<()>| {
//!         Ok::<_, Infallible>(http::Response::new(Full::<Bytes>::from("an answer")))
//!     }));
//!
//! let request = http::Request::builder().header("x-api-key", "a").body(())?;
//! let response = service.clone().oneshot(request.clone()).await?;
//! assert_eq!(response.headers()["x-ratelimit-remaining-requests"], "0");
//! assert_eq!(response.headers()["x-ratelimit-reset-requests"], "1s");
//!
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.status(), 429);
//! assert_eq!(response.headers()["retry-after"], "1");
//! # Ok(()) }
//! ```
//!
//! Tokens, estimated from the size of the prompt, behind the
//! [`buffer`](crate#layers) layer:
//!
//! ```
//! use std::num::NonZeroU32;
//! use switchtower_layers::{Buffered, rate_limit::{ByClient, Limit, Limiter, RateLimitLayer}};
//!
//! let layer = RateLimitLayer::new(Limiter::new(Limit::per_minute(90_000).tokens()), ByClient::new())
//!     .cost(|request: &http::Request<Buffered>| {
//!         let tokens = u32::try_from(request.body().len() / 4).unwrap_or(u32::MAX);
//!         NonZeroU32::new(tokens).unwrap_or(NonZeroU32::MIN)
//!     });
//! # fn limits<S>(layer: impl tower::Layer<S, Service: tower::Service<http::Request<Buffered>>>) {}
//! # use {http::Response, std::convert::Infallible, tower::util::BoxCloneService};
//! # limits::<BoxCloneService<http::Request<Buffered>, Response<()>, Infallible>>(layer);
//! ```

mod cost;
mod future;
mod headers;
mod layer;
mod limit;
mod limiter;
mod path;
mod service;
mod store;

pub use crate::key::{
    ByClient, ByExtension, ByHeader, ByIp, ByTarget, ClientKey, HeaderKey, Key, KeyExtractor,
};
pub use cost::{Cost, PerRequest};
pub use future::ResponseFuture;
pub use layer::RateLimitLayer;
pub use limit::{Limit, Unit};
pub use limiter::Limiter;
pub use service::RateLimit;

#[cfg(test)]
#[cfg(feature = "route")]
mod failover_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
