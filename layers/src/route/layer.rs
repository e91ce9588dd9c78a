use std::sync::Arc;

use tower_layer::Layer;

use super::{Route, RoutingTable};

/// Applies [`Route`].
#[derive(Clone, Debug)]
pub struct RouteLayer {
    table: Arc<RoutingTable>,
}

impl RouteLayer {
    /// Routes by this table.
    pub fn new(table: impl Into<Arc<RoutingTable>>) -> Self {
        Self { table: table.into() }
    }
}

impl<S> Layer<S> for RouteLayer {
    type Service = Route<S>;

    fn layer(&self, inner: S) -> Route<S> {
        Route { inner, table: self.table.clone() }
    }
}
