//! The agent side, over real sockets.

// All of it runs in tests only; clippy sees that of test functions alone.
#![allow(clippy::unwrap_used)]

mod events;
mod origin;
mod sockets;
mod spaces;
#[path = "../support/mod.rs"]
mod support;
