use tower_layer::Layer;

use super::{QuotaGate, Quotas};

/// Applies [`QuotaGate`].
#[derive(Clone, Debug)]
pub struct QuotaGateLayer {
    quotas: Quotas,
}

impl QuotaGateLayer {
    /// Passes over what has nothing left according to these.
    pub const fn new(quotas: Quotas) -> Self {
        Self { quotas }
    }
}

impl<S> Layer<S> for QuotaGateLayer {
    type Service = QuotaGate<S>;

    fn layer(&self, inner: S) -> QuotaGate<S> {
        QuotaGate { inner, quotas: self.quotas.clone() }
    }
}
