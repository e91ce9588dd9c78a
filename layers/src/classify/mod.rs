//! What an answer means.

mod transport;

pub use transport::{TransportError, TransportErrorKind};
