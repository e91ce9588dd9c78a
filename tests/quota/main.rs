//! What the providers have left, over real sockets and with real commands.
#![cfg(unix)]
// All of it runs in tests only; clippy sees that of test functions alone.
#![allow(clippy::unwrap_used)]

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
