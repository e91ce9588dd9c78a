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
