//! What the gateway tells of itself: [`logs`], one span and one line per request
//! ([`record`]), what is counted ([`metrics`], [`stats`]), and what is told at once ([`live`]).

pub mod bodies;
pub mod live;
pub mod logs;
pub mod metrics;
pub mod record;
mod request_id;
pub mod stats;
mod trace_context;

pub use logs::{Logs, init, set_level};
pub use record::{RecordLayer, name_client};
pub(crate) use request_id::RandomId;
pub use trace_context::TraceContext;
