//! The Responses API through the gateway, before providers that speak it and providers that do not.

mod desk;
mod script;
#[path = "../failover/seen.rs"]
mod seen;
#[path = "../support/mod.rs"]
mod support;
mod text;
mod told;
