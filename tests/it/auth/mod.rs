//! Client keys, limits and TLS, over real sockets.

mod bounds;
mod counted;
mod house;
mod models;
mod open;
mod owners;
mod rates;
mod scopes;
mod slow;
mod tls;
