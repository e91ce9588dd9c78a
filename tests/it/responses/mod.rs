//! The Responses API through the gateway, before providers that speak it and providers that do not.

mod added;
mod attached;
mod broken;
mod calls;
mod custom;
mod delivered;
mod desk;
mod dialects;
mod early;
mod history;
mod names;
mod odd;
mod prompt;
mod reasoning;
mod refused;
#[cfg(unix)]
mod restart;
mod script;
mod stored;
mod stranger;
mod text;
mod told;
