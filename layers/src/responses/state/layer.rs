use std::{fmt, sync::Arc, time::Duration};

use tower_layer::Layer;

use super::{State, Store};

/// Applies [`State`].
///
/// | setting | default |
/// |---|---|
/// | [`patience`](Self::patience) | 2 s |
#[derive(Clone)]
pub struct StateLayer {
    store: Arc<dyn Store>,
    patience: Duration,
}

impl StateLayer {
    /// Keeps responses in this store.
    pub fn new(store: impl Store) -> Self {
        Self { store: Arc::new(store), patience: Duration::from_secs(2) }
    }

    /// How long the end of an answer is held back for the store. When it takes longer, the answer
    /// passes and the store goes on: a client that comes back at once may then be told that there
    /// is no such response.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

impl fmt::Debug for StateLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateLayer").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for StateLayer {
    type Service = State<S>;

    fn layer(&self, inner: S) -> State<S> {
        State { inner, store: self.store.clone(), patience: self.patience }
    }
}
