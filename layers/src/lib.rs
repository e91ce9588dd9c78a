//! [`tower`](https://docs.rs/tower) layers for language-model traffic, over plain [`http`] types.
//!
//! Each layer works alone: an axum or hyper program adds the one it needs. None of them shares
//! application state with another; layers communicate through public types:
//!
//! - early facts are request or response extensions: [`Target`], [`Rejected`];
//! - facts that are only known when the answer's body has passed travel in an [`Exchange`].
//!
//! | layer | feature | what it does |
//! |---|---|---|
//! | `buffer` | `buffer` | collects the request body once, decoded and capped, so that clones are O(1) |
//! | `route` | `route` | picks the provider and its name for the model from a routing table |
//! | `circuit_breaker` | `circuit-breaker` | refuses calls to a target that keeps failing, until a probe succeeds |
//! | `retry` | `retry` | asks the same target again when it failed for a moment, within a budget |
//! | `deadlines` | `deadlines` | ends an attempt that does not start, says nothing or takes too long |
//! | `stream_adapter` | `stream-adapter` | gives an answer the form that was asked for: an event stream or JSON |
//! | `observe` | `observe` | frames the answer once and writes what it learns to the [`Exchange`] |
//! | `rate_limit` | `rate-limit` | answers 429 to a key that has used up its requests or tokens per period |
//! | `quota` | `quota` | answers 429 for a provider that has nothing left, by probes and by its own answers |
//! | `responses` | `responses` | answers Responses requests from a Chat Completions service |
//! | `responses::store` | `responses` | remembers responses, for `previous_response_id` |
//! | `budget` | `budget` | reserves what a request may use, and books what it did, per day and month |
//!
//! No feature is on by default; `full` turns all of them on.
//!
//! A layer never turns a refusal into a service error: it answers with a response that carries a
//! [`Rejected`] extension, so that it drops into any stack and keeps the connection.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod body;
#[cfg(any(feature = "observe", feature = "responses"))]
mod chunk_template;
pub mod classify;
#[cfg(any(feature = "quota", feature = "route"))]
mod cooldowns;
pub mod exchange;
#[cfg(any(feature = "observe", feature = "responses", feature = "route"))]
mod json;
#[cfg(any(feature = "budget", feature = "rate-limit"))]
pub mod key;
#[cfg(any(
    feature = "circuit-breaker",
    feature = "deadlines",
    feature = "observe",
    feature = "responses",
    feature = "retry"
))]
mod per_target;
#[cfg(any(feature = "responses", feature = "route"))]
mod refused_fields;
pub mod rejection;
pub mod request;
pub mod sse;
pub mod target;

#[cfg(all(
    test,
    any(
        feature = "budget",
        feature = "buffer",
        feature = "circuit-breaker",
        feature = "deadlines",
        feature = "observe",
        feature = "quota",
        feature = "rate-limit",
        feature = "responses",
        feature = "retry",
        feature = "route",
        feature = "stream-adapter"
    )
))]
mod contract;

#[cfg(feature = "budget")]
pub mod budget;
#[cfg(feature = "buffer")]
pub mod buffer;
#[cfg(feature = "circuit-breaker")]
pub mod circuit_breaker;
#[cfg(feature = "deadlines")]
pub mod deadlines;
#[cfg(feature = "observe")]
pub mod observe;
#[cfg(feature = "quota")]
pub mod quota;
#[cfg(feature = "rate-limit")]
pub mod rate_limit;
#[cfg(feature = "responses")]
pub mod responses;
#[cfg(feature = "retry")]
pub mod retry;
#[cfg(feature = "route")]
pub mod route;
#[cfg(feature = "stream-adapter")]
pub mod stream_adapter;

pub use body::Buffered;
#[cfg(any(feature = "quota", feature = "route"))]
pub use cooldowns::{Cooldowns, HoldReason};
pub use exchange::Exchange;
#[cfg(any(feature = "responses", feature = "route"))]
pub use refused_fields::RefusedFields;
pub use rejection::{Code, Rejected, Rejection};
pub use target::{Dialect, Target};

/// The error of every body that a layer passes on.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
