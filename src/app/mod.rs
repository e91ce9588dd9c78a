//! The composition root: builds the gateway from its configuration, and runs it.

mod gateway;
mod layers;
mod runtime;
mod stack;

pub use gateway::{Gateway, WsPortError};
pub use layers::route::routing_table;
