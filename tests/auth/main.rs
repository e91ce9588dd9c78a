//! Client keys, limits and TLS, over real sockets.

mod bounds;
mod counted;
mod house;
mod models;
mod open;
mod owners;
mod rates;
mod scopes;
#[path = "../failover/seen.rs"]
mod seen;
mod slow;
#[path = "../support/mod.rs"]
mod support;
mod tls;
