//! The agent side, over real sockets and with real programs.
#![cfg(unix)]

mod agents;
#[path = "../support/mod.rs"]
mod support;
