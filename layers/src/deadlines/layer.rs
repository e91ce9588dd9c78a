use tower_layer::Layer;

use super::{Deadlines, settings::Settings};
use crate::{Target, per_target::PerTarget};

/// Applies [`Deadlines`].
#[derive(Clone, Debug)]
pub struct DeadlinesLayer {
    policy: PerTarget<Settings>,
}

impl DeadlinesLayer {
    /// A layer with these settings for every attempt.
    pub const fn new(settings: Settings) -> Self {
        Self { policy: PerTarget::new(settings) }
    }

    /// Other settings for an attempt whose request carries a [`Target`].
    #[must_use]
    pub fn for_target<F>(mut self, settings: F) -> Self
    where
        F: Fn(&Target) -> Settings + Send + Sync + 'static,
    {
        self.policy.for_target(settings);
        self
    }
}

impl Default for DeadlinesLayer {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl<S> Layer<S> for DeadlinesLayer {
    type Service = Deadlines<S>;

    fn layer(&self, inner: S) -> Deadlines<S> {
        Deadlines { inner, policy: self.policy.clone() }
    }
}
