//! Refuses calls to a target that keeps failing, until a probe shows that it is well again.
//!
//! Each target has a circuit: while it is closed calls go through, while it is open they are
//! answered at once, so that a router goes on to the next target instead of waiting for the same
//! failure again, and the provider is left alone.
//!
//! ```text
//!            3 faults in a row, or the fault rate            30 s over, and a call comes
//!  +--------+                                   +------+                          +-----------+
//!  | closed | --------------------------------> | open | -----------------------> | half-open |
//!  +--------+                                   +------+                          +-----------+
//!       ^                                          ^                                |       |
//!       |                                          +-------- a probe fails ---------+       |
//!       +-------------------------- all probes succeed -------------------------------------+
//! ```
//!
//! | setting | default |
//! |---|---|
//! | [`consecutive_faults`](Settings::consecutive_faults) | 3 |
//! | [`fault_rate`](Settings::fault_rate) over a window of time that slides | off |
//! | [`open_for`](Settings::open_for) | 30 s |
//! | [`growth`](Settings::growth) of that with each probe that fails | off |
//! | [`probes`](Settings::probes) of a half-open circuit | 1 |
//! | [`probe_time`](Settings::probe_time), after which a probe's place is given to another | 300 s |
//! | [`scope`](CircuitBreakerLayer::scope), or [another key](CircuitBreakerLayer::key) | [`Scope::Target`] |
//! | [`Handle::with_capacity`] | 4096 circuits |
//!
//! The key is the request's [`Target`]; all requests without one share a circuit. Settings can be
//! [the target's own](CircuitBreakerLayer::for_target).
//!
//! # What counts
//!
//! The head settles every answer but a success, by its [`ResponseClass`]. A success is settled when its
//! *body* has ended, by the [`Exchange`] where an [`observe`](crate#layers) layer further in keeps
//! one, so that a stream which breaks or falls silent after a 200 is the fault that it is.
//!
//! | a call | is a | closed | half-open |
//! |---|---|---|---|
//! | service error, 5xx, transport error, deadline | fault | counts | opens |
//! | 2xx whose body fails, or that the exchange knows to be broken | fault | counts | opens |
//! | 2xx, whole, or dropped after the finish reason | success | ends the row of faults | counts; enough close |
//! | 4xx (429 too): the provider is there, but says nothing of its health | neutral | nothing | its place is free again |
//! | dropped by the client, before or in the body | cancelled | nothing | its place is free again |
//! | a rejection by a layer further in | not counted | nothing | its place is free again |
//!
//! One request cannot open a circuit for others. With an [`Exchange`] in the request's extensions
//! all attempts of a request count as one fault of a circuit at most. A fault that the request's
//! content may have caused (5xx, an error or a malformed event in the answer) counts once for each
//! distinct request, by [`Exchange::request`](crate::Exchange::request), which the `route` layer
//! sets; what is sent again within 5 minutes is neutral. Faults of the connection, deadlines and
//! streams without an end always count.
//!
//! An error after which the circuit is open carries [`CircuitOpen`], so that a retry does not wait
//! for what would be refused.
//!
//! A call that is settled after its circuit has changed since it was let through decides nothing:
//! neither a straggler from before the circuit opened, nor a probe of an earlier time. Put
//! `deadlines` inside: a timeout outside of this layer looks like a client that went away.
//!
//! # What a refused call gets
//!
//! 503 `NO_PROVIDER`, marked as [`Rejected`], with a message such as
//! `deepseek/deepseek-chat: circuit open, probe in 12 s` and that time as `Retry-After`. While the
//! probes of a half-open circuit are under way it is 1 s; a circuit that was forced open has none.
//! Readiness is only forwarded: an open circuit is never pending and never an error.
//!
//! # The handle
//!
//! A [`Handle`] holds the circuits; layers with the same handle share them, so that a rebuilt stack
//! continues with their state. It lists their status, forces them open or closed, and publishes
//! each [`Transition`], which is also a `tracing` event at info level.
//!
//! Its size is bounded. When a new key comes, circuits that were not used for 10 minutes are
//! removed (at most once a minute), unless they are forced or still waiting. When it is full,
//! closed circuits without faults are removed too, regardless of their last use; if that is not
//! enough, calls with new keys go through without a circuit. A circuit with a call in flight is
//! never removed.
//!
//! # Other breakers
//!
//! `tower-resilience` has one circuit per layer instead of one per key, judges a call when its
//! future ends (so a stream is a success when it begins), refuses with an error of its own type,
//! which has to be mapped to a response, and boxes each call's future. The breaker of
//! `linkerd2-proxy`, on which this one's probes are modelled, makes its endpoint unready instead of
//! refusing calls to it.
//!
//! ```
//! use std::convert::Infallible;
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use switchtower_layers::{Rejected, Target};
//! use switchtower_layers::circuit_breaker::{CircuitBreakerLayer, Handle, Settings, CircuitState};
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), switchtower_layers::BoxError> {
//! let handle = Handle::new();
//! let breaker = CircuitBreakerLayer::new(Settings::default().consecutive_faults(2));
//! let mut service = ServiceBuilder::new()
//!     .layer(breaker.handle(handle.clone()))
//!     .service(service_fn(async |_: http::Request<()>| {
//!         let broken = http::Response::builder().status(500).body(Full::<Bytes>::default());
//!         Ok::<_, Infallible>(broken.unwrap())
//!     }));
//!
//! let dialect = Default::default();
//! let target = Target { provider: "deepseek".into(), model: "deepseek-chat".into(), dialect };
//! let request = http::Request::builder().extension(target.clone()).body(())?;
//! for _ in 0..2 {
//!     assert_eq!(service.ready().await?.call(request.clone()).await?.status(), 500);
//! }
//! let refused = service.ready().await?.call(request.clone()).await?;
//! assert_eq!(refused.status(), 503);
//! assert!(refused.extensions().get::<Rejected>().is_some());
//! assert_eq!(refused.headers()["retry-after"], "30");
//!
//! assert_eq!(handle.status(&target).unwrap().state, CircuitState::Open);
//! handle.force_close(&target);
//! assert_eq!(service.ready().await?.call(request).await?.status(), 500);
//! # Ok(()) }
//! ```
//!
//! [`CircuitOpen`]: crate::classify::CircuitOpen
//! [`Exchange`]: crate::Exchange
//! [`ResponseClass`]: crate::classify::ResponseClass
//! [`Rejected`]: crate::Rejected
//! [`Target`]: crate::Target

mod body;
mod call_guard;
mod circuit;
mod circuits;
mod entry;
mod future;
mod handle;
mod key;
mod layer;
mod permit;
mod probes;
mod repeats;
mod service;
mod settings;
mod state;
mod window;

pub use body::ResponseBody;
pub use future::ResponseFuture;
pub use handle::Handle;
pub use key::{Key, KeyExtractor, KeyRef, Scope};
pub use layer::CircuitBreakerLayer;
pub use service::CircuitBreaker;
pub use settings::Settings;
pub use state::{Cause, CircuitState, Status, Transition};

#[cfg(test)]
mod circuit_tests;
#[cfg(test)]
mod handle_tests;
#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod outcome_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;
