//! The agent side, over real sockets.

mod events;
mod origin;
mod sockets;
mod spaces;
#[path = "../support/mod.rs"]
mod support;
