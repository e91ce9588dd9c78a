use tower_layer::Layer;

use super::{Key, Limiter, PerRequest, RateLimit};

/// Applies [`RateLimit`].
///
/// | setting | default |
/// |---|---|
/// | [`cost`](Self::cost) | [`PerRequest`] |
/// | [`headers`](Self::headers) | on |
#[derive(Clone, Debug)]
pub struct RateLimitLayer<K: Key, X, C = PerRequest> {
    limiter: Limiter<K>,
    extractor: X,
    cost: C,
    headers: bool,
}

impl<K: Key, X> RateLimitLayer<K, X> {
    /// Limits each key that the [extractor](super::KeyExtractor) finds.
    pub const fn new(limiter: Limiter<K>, extractor: X) -> Self {
        Self { limiter, extractor, cost: PerRequest, headers: true }
    }
}

impl<K: Key, X, C> RateLimitLayer<K, X, C> {
    /// The counters, which outlive the layer.
    pub const fn limiter(&self) -> &Limiter<K> {
        &self.limiter
    }

    /// Charges each request its [`Cost`](super::Cost).
    #[must_use]
    pub fn cost<D>(self, cost: D) -> RateLimitLayer<K, X, D> {
        let Self { limiter, extractor, headers, .. } = self;
        RateLimitLayer { limiter, extractor, cost, headers }
    }

    /// Whether answers and rejections carry `x-ratelimit-*` headers. Without them a call does not
    /// allocate, unless its key is new.
    #[must_use]
    pub fn headers(mut self, headers: bool) -> Self {
        self.headers = headers;
        self
    }
}

impl<S, K: Key, X: Clone, C: Clone> Layer<S> for RateLimitLayer<K, X, C> {
    type Service = RateLimit<S, K, X, C>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit {
            inner,
            limiter: self.limiter.clone(),
            extractor: self.extractor.clone(),
            cost: self.cost.clone(),
            headers: self.headers,
        }
    }
}
