use std::{fmt, sync::Arc, time::Duration};

use tower_layer::Layer;

use super::{Store, StoredResponses};

/// Applies [`StoredResponses`].
///
/// | setting | default |
/// |---|---|
/// | [`store_timeout`](Self::store_timeout) | 2 s |
/// | [`cap`](Self::cap) | 64 MiB |
#[derive(Clone)]
pub struct StoreLayer {
    store: Arc<dyn Store>,
    store_timeout: Duration,
    cap: u64,
}

impl StoreLayer {
    /// Keeps responses in this store.
    pub fn new(store: impl Store) -> Self {
        Self { store: Arc::new(store), store_timeout: Duration::from_secs(2), cap: 64 << 20 }
    }

    /// Maximum time for which the end of an answer is delayed by the store. After that the answer
    /// passes and the write continues: a client that comes back at once may then get a 404 for the
    /// response.
    #[must_use]
    pub fn store_timeout(mut self, store_timeout: Duration) -> Self {
        self.store_timeout = store_timeout;
        self
    }

    /// Sets the maximum size of a request with all that it refers to, in bytes. A larger one is
    /// refused.
    #[must_use]
    pub fn cap(mut self, bytes: u64) -> Self {
        self.cap = bytes;
        self
    }
}

impl fmt::Debug for StoreLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreLayer")
            .field("store_timeout", &self.store_timeout)
            .field("cap", &self.cap)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for StoreLayer {
    type Service = StoredResponses<S>;

    fn layer(&self, inner: S) -> StoredResponses<S> {
        StoredResponses {
            inner,
            store: self.store.clone(),
            store_timeout: self.store_timeout,
            cap: self.cap,
        }
    }
}
