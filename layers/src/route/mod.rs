//! Routing by model name.

mod pattern;
mod plan;
mod table;

pub use pattern::Pattern;
pub use plan::{Plan, Skipped};
pub use table::{Provider, RoutingTable, RoutingTableBuilder, UnknownProvider};
