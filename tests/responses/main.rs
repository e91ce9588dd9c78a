//! The Responses API through the gateway, before providers that speak it and providers that do not.

mod calls;
mod custom;
mod desk;
mod names;
mod reasoning;
mod script;
#[path = "../failover/seen.rs"]
mod seen;
#[path = "../support/mod.rs"]
mod support;
mod text;
mod told;
