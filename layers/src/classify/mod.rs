//! What an answer means.

mod deadline;
mod transport;

pub use deadline::{Deadline, DeadlineError};
pub use transport::{TransportError, TransportErrorKind};
