//! What the providers have left, over real sockets and with real commands.
#![cfg(unix)]

mod balance;
mod broken;
mod chain;
mod codexbar;
mod fake;
mod remaining;
#[path = "../failover/seen.rs"]
#[allow(dead_code, reason = "another test binary uses all of it")]
mod seen;
#[path = "../support/mod.rs"]
mod support;
