use std::{fmt, sync::Arc};

use crate::Target;

/// A pointer, shared by all clones, so that a layer's type stays nameable.
type ForTarget<S> = Arc<dyn Fn(&Target) -> S + Send + Sync>;

/// A layer's settings: the same for all requests, or the target's own.
#[derive(Clone)]
pub(crate) struct PerTarget<S> {
    general: S,
    for_target: Option<ForTarget<S>>,
}

impl<S> PerTarget<S> {
    pub(crate) const fn new(general: S) -> Self {
        Self { general, for_target: None }
    }

    /// Other settings for requests without a [`Target`], or for all.
    #[cfg(feature = "observe")]
    pub(crate) fn set_general(&mut self, general: S) {
        self.general = general;
    }

    /// Other settings for a request that carries a [`Target`].
    pub(crate) fn for_target(&mut self, settings: impl Fn(&Target) -> S + Send + Sync + 'static) {
        self.for_target = Some(Arc::new(settings));
    }
}

impl<S: Clone> PerTarget<S> {
    #[cfg(any(
        feature = "circuit-breaker",
        feature = "deadlines",
        feature = "responses",
        feature = "retry"
    ))]
    pub(crate) fn of(&self, extensions: &http::Extensions) -> S {
        self.of_target(extensions.get::<Target>())
    }

    pub(crate) fn of_target(&self, target: Option<&Target>) -> S {
        let own = self.for_target.as_ref().zip(target);
        own.map_or_else(|| self.general.clone(), |(settings, target)| settings(target))
    }
}

impl<S: fmt::Debug> fmt::Debug for PerTarget<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerTarget")
            .field("general", &self.general)
            .field("for_target", &self.for_target.is_some())
            .finish()
    }
}
