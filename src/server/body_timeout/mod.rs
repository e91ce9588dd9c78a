//! Ends a request whose body does not come: `limits.body_timeout_ms`.
//!
//! The time runs while the service waits for the next piece, and anew with each piece. When it has
//! passed, the service's response to the broken body is replaced by 408 `INVALID_REQUEST`, and an
//! HTTP/1.1 connection is closed, since the rest of the body cannot be told from another request.
//!
//! Any other answer that comes before the body was read is marked with [`AnsweredEarly`], so that the
//! connection can be closed in a way that lets the client read the answer.

mod body;
mod future;
mod layer;

pub use body::TimeoutBody;
pub use future::AnsweredEarly;
pub use layer::BodyTimeoutLayer;

#[cfg(test)]
mod tests;
