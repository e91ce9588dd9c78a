//! What the gateway tells of itself: [`logs`], one span and one line per request
//! ([`record`]), and what is counted ([`metrics`], [`stats`]).

pub mod bodies;
pub mod logs;
pub mod metrics;
pub mod record;
pub mod stats;
mod trace_context;

pub use logs::{Logs, init, set_level};
pub use record::{RecordLayer, name_client};
pub use trace_context::TraceContext;
