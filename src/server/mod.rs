//! The HTTP server: listener, TLS, hyper's HTTP/1.1 and HTTP/2, limits per client, and graceful
//! shutdown.

mod accept;
mod body_timeout;
mod dispatch;
mod first_byte_timeout;
mod guard;
mod http_service;
mod lingering_close;
mod reloadable;
mod self_wake;
mod stream_limit;
mod tls;

pub(crate) use accept::{Settings, serve};
pub use body_timeout::{AnsweredEarly, BodyTimeoutLayer, TimeoutBody};
pub use dispatch::Dispatch;
pub use guard::GuardLayer;
pub use http_service::HttpService;
pub(crate) use reloadable::Reloadable;
pub use stream_limit::{OpenStreams, StreamLimitLayer};
pub use tls::Certificate;
