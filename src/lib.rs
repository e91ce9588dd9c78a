//! The reference gateway: the stack of [`switchtower_layers`] over a hyper reverse proxy.

pub mod api;
pub mod app;
pub mod auth;
pub mod budget;
pub mod cli;
mod client_address;
pub mod dashboard;
pub mod demo;
pub mod quota;
pub mod reload;
pub mod resilience;
pub mod responses;
pub mod server;
pub mod state;
pub mod telemetry;
pub mod upstream;

pub use switchtower_config as config;
pub use switchtower_mesh as mesh;
pub use switchtower_platform::database;

/// The README's Rust blocks are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
