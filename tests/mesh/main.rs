//! The agent side, over real sockets.

#[path = "../support/mod.rs"]
mod support;
mod tasks;
