//! The agent side, over real sockets and with real programs.

// All of it runs in tests only; clippy sees that of test functions alone.
#![allow(clippy::unwrap_used)]

#[cfg(unix)]
mod agents;
mod events;
mod origin;
mod sockets;
mod spaces;
#[cfg(unix)]
mod tasks;
mod ws_port;
