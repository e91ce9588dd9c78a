//! Observability: [`logs`], the access log with one span and one line per request ([`access_log`]),
//! Prometheus [`metrics`], [`stats`], and the request [`feed`].

pub mod access_log;
pub mod bodies;
pub mod feed;
pub mod logs;
pub mod metrics;
mod request_id;
pub mod stats;
mod trace_context;

pub use access_log::{AccessLogLayer, name_client};
pub use logs::{Logs, init, set_level};
pub(crate) use request_id::RandomId;
pub use trace_context::TraceContext;
