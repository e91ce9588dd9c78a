use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use switchtower_layers::BoxError;
use switchtower_layers::responses::store::{Bounds, Item, Store, StoreFuture, Stored};

use super::database::{FILE, SqliteDb};

/// Keeps responses in `responses.sqlite`, for this user only. A handle: clones share the database.
///
/// The file is made when the first response is put; until it can be opened, every call tries
/// again. Items that several responses have in common take their bytes once. A response is on its
/// way to the disk when [`put`](Store::put) is ready: it survives the end of the process, however
/// it ends.
#[derive(Clone)]
pub struct SqliteStore(Arc<Inner>);

struct Inner {
    directory: PathBuf,
    bounds: Mutex<Bounds>,
    /// Locked by threads that may block.
    shelf: Mutex<Option<SqliteDb>>,
}

impl SqliteStore {
    /// A store in this directory, within these bounds. Does not touch the disk.
    #[must_use]
    pub fn new(directory: &Path, bounds: Bounds) -> Self {
        let directory = directory.to_owned();
        Self(Arc::new(Inner { directory, bounds: Mutex::new(bounds), shelf: Mutex::new(None) }))
    }

    /// Other bounds from now on. What is too much for them leaves when the next response is put.
    pub fn set_bounds(&self, bounds: Bounds) {
        *self.0.bounds.lock() = bounds;
    }

    /// Runs on a thread that may block, with the shelf once it is open; `None` when nothing was
    /// ever put there.
    fn run<T: Send + 'static>(
        &self,
        makes: bool,
        work: impl FnOnce(&mut SqliteDb, &Bounds) -> Result<T, BoxError> + Send + 'static,
    ) -> StoreFuture<Option<T>> {
        let inner = self.0.clone();
        let task = move || {
            let mut shelf = inner.shelf.lock();
            if shelf.is_none() {
                if !makes && !inner.directory.join(FILE).exists() {
                    return Ok(None);
                }
                *shelf = Some(SqliteDb::open(&inner.directory)?);
            }
            let bounds = *inner.bounds.lock();
            shelf.as_mut().map(|shelf| work(shelf, &bounds)).transpose()
        };
        Box::pin(async move { tokio::task::spawn_blocking(task).await? })
    }
}

impl Store for SqliteStore {
    fn put(&self, owner: &str, stored: Stored) -> StoreFuture<()> {
        let owner = owner.to_owned();
        let put = self.run(true, move |shelf, bounds| shelf.put(bounds, &owner, &stored));
        Box::pin(async { put.await.map(drop) })
    }

    fn get(&self, owner: &str, id: &str, now: u64) -> StoreFuture<Option<Stored>> {
        let (owner, id) = (owner.to_owned(), id.to_owned());
        let got = self.run(false, move |shelf, bounds| shelf.get(bounds, &owner, &id, now));
        Box::pin(async { got.await.map(Option::flatten) })
    }

    fn items(&self, owner: &str, ids: Vec<Arc<str>>, now: u64) -> StoreFuture<Vec<Item>> {
        let owner = owner.to_owned();
        let found = self.run(false, move |shelf, bounds| shelf.items(bounds, &owner, &ids, now));
        Box::pin(async { found.await.map(Option::unwrap_or_default) })
    }

    fn delete(&self, owner: &str, id: &str, now: u64) -> StoreFuture<bool> {
        let (owner, id) = (owner.to_owned(), id.to_owned());
        let deleted = self.run(false, move |shelf, bounds| shelf.delete(bounds, &owner, &id, now));
        Box::pin(async { deleted.await.map(Option::unwrap_or_default) })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { directory, bounds, .. } = &*self.0;
        f.debug_struct("SqliteStore")
            .field("directory", directory)
            .field("bounds", &*bounds.lock())
            .finish_non_exhaustive()
    }
}
