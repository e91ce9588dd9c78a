//! The Responses API through the gateway, before providers that speak it and providers that do not.

mod broken;
mod calls;
mod custom;
mod desk;
mod dialects;
mod names;
mod prompt;
mod reasoning;
mod refused;
mod script;
#[path = "../failover/seen.rs"]
mod seen;
#[path = "../support/mod.rs"]
mod support;
mod text;
mod told;
