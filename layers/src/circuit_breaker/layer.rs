use http::Request;
use tower_layer::Layer;

use super::{CircuitBreaker, Handle, KeyRef, Scope, Settings};
use crate::{Target, per_target::PerTarget};

/// Applies [`CircuitBreaker`].
#[derive(Clone, Debug)]
pub struct CircuitBreakerLayer<K = Scope> {
    key: K,
    policy: PerTarget<Settings>,
    handle: Handle,
}

impl CircuitBreakerLayer {
    /// A layer with these settings for every circuit; one circuit per [`Target`].
    pub fn new(settings: Settings) -> Self {
        let policy = PerTarget::new(settings);
        Self { key: Scope::Target, policy, handle: Handle::new() }
    }
}

// For this type only, so that `default()` needs no type to be named.
impl Default for CircuitBreakerLayer {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl<K> CircuitBreakerLayer<K> {
    /// Uses one circuit per target, or per provider.
    #[must_use]
    pub fn scope(self, scope: Scope) -> CircuitBreakerLayer<Scope> {
        self.with_key(scope)
    }

    /// Uses one circuit per key of another kind.
    ///
    /// ```
    /// use http::Request;
    /// use switchtower_layers::circuit_breaker::{CircuitBreakerLayer, KeyRef};
    ///
    /// let by_host = CircuitBreakerLayer::default()
    ///     .key(|request: &Request<String>| KeyRef::name(request.uri().host().unwrap_or_default()));
    /// # let _ = by_host;
    /// ```
    #[must_use]
    pub fn key<B, F>(self, key: F) -> CircuitBreakerLayer<F>
    where
        F: Fn(&Request<B>) -> KeyRef<'_>,
    {
        self.with_key(key)
    }

    fn with_key<L>(self, key: L) -> CircuitBreakerLayer<L> {
        CircuitBreakerLayer { key, policy: self.policy, handle: self.handle }
    }

    /// Other settings for a call whose request carries a [`Target`].
    #[must_use]
    pub fn for_target<F>(mut self, settings: F) -> Self
    where
        F: Fn(&Target) -> Settings + Send + Sync + 'static,
    {
        self.policy.for_target(settings);
        self
    }

    /// Goes on with circuits that are there already, such as those of the stack that this one
    /// takes the place of.
    #[must_use]
    pub fn handle(mut self, handle: Handle) -> Self {
        self.handle = handle;
        self
    }
}

impl<S, K: Clone> Layer<S> for CircuitBreakerLayer<K> {
    type Service = CircuitBreaker<S, K>;

    fn layer(&self, inner: S) -> CircuitBreaker<S, K> {
        CircuitBreaker {
            inner,
            key: self.key.clone(),
            policy: self.policy.clone(),
            handle: self.handle.clone(),
        }
    }
}
