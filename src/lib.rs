//! The reference gateway: the stack of [`switchtower_layers`] over a hyper reverse proxy.

pub mod config;
pub mod demo;
