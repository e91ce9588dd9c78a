use tower_layer::Layer;

use super::{Budget, Key, Ledger, NoPricing, SizeEstimator};

/// Applies [`Budget`].
///
/// | setting | default |
/// |---|---|
/// | [`estimator`](Self::estimator) | [`SizeEstimator`] |
/// | [`pricing`](Self::pricing) | [`NoPricing`] |
#[derive(Clone, Debug)]
pub struct BudgetLayer<K: Key, X, E = SizeEstimator, P = NoPricing> {
    ledger: Ledger<K>,
    extractor: X,
    estimator: E,
    pricing: P,
}

impl<K: Key, X> BudgetLayer<K, X> {
    /// Counts for each key that the [extractor](super::KeyExtractor) finds.
    pub fn new(ledger: Ledger<K>, extractor: X) -> Self {
        Self { ledger, extractor, estimator: SizeEstimator::new(), pricing: NoPricing }
    }
}

impl<K: Key, X, E, P> BudgetLayer<K, X, E, P> {
    /// Another way to [estimate](super::Estimator) a request.
    #[must_use]
    pub fn estimator<F>(self, estimator: F) -> BudgetLayer<K, X, F, P> {
        let Self { ledger, extractor, pricing, .. } = self;
        BudgetLayer { ledger, extractor, estimator, pricing }
    }

    /// Sets the prices of tokens: see [`Pricing`](super::Pricing).
    #[must_use]
    pub fn pricing<Q>(self, pricing: Q) -> BudgetLayer<K, X, E, Q> {
        let Self { ledger, extractor, estimator, .. } = self;
        BudgetLayer { ledger, extractor, estimator, pricing }
    }
}

impl<S, K: Key, X: Clone, E: Clone, P: Clone> Layer<S> for BudgetLayer<K, X, E, P> {
    type Service = Budget<S, K, X, E, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Budget {
            inner,
            ledger: self.ledger.clone(),
            extractor: self.extractor.clone(),
            estimator: self.estimator.clone(),
            pricing: self.pricing.clone(),
        }
    }
}
