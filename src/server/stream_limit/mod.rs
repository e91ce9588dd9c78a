//! Limits the open responses of one client: `limits.streams_per_client`.
//!
//! A request counts from its head to the end of its answer's body, or until the client disconnects.
//! One too many is answered with 429 `RATE_LIMITED`. Clients are identified as in rate limits: by
//! their key, or else by their network.

mod future;
mod layer;
mod table;

pub use layer::StreamLimitLayer;
pub use table::OpenStreams;

#[cfg(test)]
mod tests;
