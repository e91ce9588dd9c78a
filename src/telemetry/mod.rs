//! What the gateway tells of itself: [`logs`], one span and one line per request
//! ([`record`]), what is counted ([`metrics`], [`stats`]), and what is told at once ([`live`]).

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
