//! Classification of provider responses: [`ResponseClass`] lists the classes, [`ErrorRules`] assign
//! one to an error.

mod allowance;
mod attempts;
mod circuit_open;
mod deadline;
pub(crate) mod error;
mod named_wait;
mod pattern;
mod response_class;
mod retry_after;
mod rules;
mod transport;

pub use allowance::{RetriesLeft, RetryAllowance};
pub use attempts::Attempts;
pub use circuit_open::CircuitOpen;
pub use deadline::{Deadline, DeadlineError, RequestDeadline};
pub use response_class::ResponseClass;
pub use retry_after::{RETRY_AFTER_MS, retry_after};
pub use rules::{ErrorRule, ErrorRules};
#[cfg(feature = "route")]
pub(crate) use transport::innermost;
pub use transport::{TransportError, TransportErrorKind};

#[cfg(test)]
mod wordings;
