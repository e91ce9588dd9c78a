use std::{pin::Pin, sync::Arc, time::Duration};

use super::{Item, Stored};
use crate::BoxError;

/// Future of a [`Store`]: boxed, as it is needed once per stored response, never per event.
pub type StoreFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// A store of responses.
///
/// Entries are visible to their owner only. `now` is in seconds since 1970; entries that have
/// expired by then are not found any more. An error means that the store does not work; it is
/// returned to the client for reads, and logged for writes.
pub trait Store: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps it, from [`created`](Stored::created) on; one of the same id is replaced.
    fn put(&self, owner: &str, stored: Stored) -> StoreFuture<()>;

    /// The response of this id.
    fn get(&self, owner: &str, id: &str, now: u64) -> StoreFuture<Option<Stored>>;

    /// Those items of these ids that stand in any of the owner's responses, in any order; of
    /// several with one id the last that was put.
    fn items(&self, owner: &str, ids: Vec<Arc<str>>, now: u64) -> StoreFuture<Vec<Item>>;

    /// Forgets the response of this id; whether there was one.
    fn delete(&self, owner: &str, id: &str, now: u64) -> StoreFuture<bool>;
}

impl<T: Store + ?Sized> Store for Arc<T> {
    fn put(&self, owner: &str, stored: Stored) -> StoreFuture<()> {
        (**self).put(owner, stored)
    }

    fn get(&self, owner: &str, id: &str, now: u64) -> StoreFuture<Option<Stored>> {
        (**self).get(owner, id, now)
    }

    fn items(&self, owner: &str, ids: Vec<Arc<str>>, now: u64) -> StoreFuture<Vec<Item>> {
        (**self).items(owner, ids, now)
    }

    fn delete(&self, owner: &str, id: &str, now: u64) -> StoreFuture<bool> {
        (**self).delete(owner, id, now)
    }
}

/// Bounds of a store, for all owners together. When it is full the oldest leave first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Maximum number of responses. Default 10000.
    pub entries: usize,
    /// Maximum size, in bytes. Default 256 MiB.
    pub bytes: u64,
    /// Maximum age. Default 30 days.
    pub age: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { entries: 10_000, bytes: 256 << 20, age: Duration::from_secs(30 * 24 * 60 * 60) }
    }
}

impl Bounds {
    /// The creation time, in seconds since 1970, up to which responses have expired `now`.
    pub fn expired(&self, now: u64) -> Option<u64> {
        now.checked_sub(self.age.as_secs())
    }

    /// Refuses what would not fit into an empty store.
    ///
    /// # Errors
    ///
    /// Says how large it is.
    pub fn admit(&self, stored: &Stored) -> Result<(), BoxError> {
        let size = stored.size();
        if self.entries == 0 || size > self.bytes {
            let most = self.bytes;
            return Err(format!("{size} bytes do not fit into a store of {most} bytes").into());
        }
        Ok(())
    }
}
