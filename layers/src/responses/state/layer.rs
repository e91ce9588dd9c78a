use std::{fmt, sync::Arc, time::Duration};

use tower_layer::Layer;

use super::{State, Store};

/// Applies [`State`].
///
/// | setting | default |
/// |---|---|
/// | [`patience`](Self::patience) | 2 s |
/// | [`cap`](Self::cap) | 64 MiB |
#[derive(Clone)]
pub struct StateLayer {
    store: Arc<dyn Store>,
    patience: Duration,
    cap: u64,
}

impl StateLayer {
    /// Keeps responses in this store.
    pub fn new(store: impl Store) -> Self {
        Self { store: Arc::new(store), patience: Duration::from_secs(2), cap: 64 << 20 }
    }

    /// How long the end of an answer is held back for the store. When it takes longer, the answer
    /// passes and the store goes on: a client that comes back at once may then be told that there
    /// is no such response.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How large a request may become by what it refers to, in bytes. A larger one is refused.
    #[must_use]
    pub fn cap(mut self, bytes: u64) -> Self {
        self.cap = bytes;
        self
    }
}

impl fmt::Debug for StateLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateLayer")
            .field("patience", &self.patience)
            .field("cap", &self.cap)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for StateLayer {
    type Service = State<S>;

    fn layer(&self, inner: S) -> State<S> {
        State { inner, store: self.store.clone(), patience: self.patience, cap: self.cap }
    }
}
