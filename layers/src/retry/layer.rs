use std::sync::Arc;

use tower_layer::Layer;

use super::{Retry, settings::Settings};
use crate::{Target, per_target::PerTarget};

/// Applies [`Retry`].
#[derive(Clone, Debug)]
pub struct RetryLayer {
    policy: PerTarget<Arc<Settings>>,
}

impl RetryLayer {
    /// A layer with these settings for every request.
    pub fn new(settings: impl Into<Arc<Settings>>) -> Self {
        Self { policy: PerTarget::new(settings.into()) }
    }

    /// Other settings, and perhaps another [`Budget`](super::Budget), for a request that carries a
    /// [`Target`].
    #[must_use]
    pub fn for_target<F, T>(mut self, settings: F) -> Self
    where
        F: Fn(&Target) -> T + Send + Sync + 'static,
        T: Into<Arc<Settings>>,
    {
        self.policy.for_target(move |target| settings(target).into());
        self
    }
}

impl Default for RetryLayer {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        Retry { inner, policy: self.policy.clone() }
    }
}
