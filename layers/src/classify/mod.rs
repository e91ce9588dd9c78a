//! What an answer means.

mod deadline;
mod meaning;
mod retry_after;
mod transport;

pub use deadline::{Deadline, DeadlineError, Total};
pub use meaning::Meaning;
pub(crate) use retry_after::RETRY_AFTER_MS;
pub use retry_after::retry_after;
#[cfg(feature = "route")]
pub(crate) use transport::innermost;
pub use transport::{TransportError, TransportErrorKind};
