use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use switchtower_layers::responses::store::{Bounds, MemoryStore, Store};

use super::SqliteStore;
use crate::config::{Config, ResponseStore as StoreKind, Responses};

/// The store that a configuration asks for. It outlives the stack.
#[derive(Clone, Debug)]
pub enum ResponseStore {
    /// In a file in `dataDir`.
    Sqlite(SqliteStore),
    /// Until the process ends.
    Memory(MemoryStore),
}

impl ResponseStore {
    /// Does not touch the disk.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self::open(&config.data_dir, &config.responses)
    }

    fn open(directory: &Path, settings: &Responses) -> Self {
        let bounds = bounds(settings);
        match settings.store {
            StoreKind::Sqlite => Self::Sqlite(SqliteStore::new(directory, bounds)),
            StoreKind::Memory => Self::Memory(MemoryStore::new(bounds)),
        }
    }

    /// Adopts another configuration: a store of the same kind goes on, within the new bounds;
    /// another kind begins empty, or with what the file has.
    #[must_use]
    pub fn reconfigure(&self, config: &Config) -> Self {
        let settings = &config.responses;
        match (self, settings.store) {
            (Self::Sqlite(store), StoreKind::Sqlite) => store.set_bounds(bounds(settings)),
            (Self::Memory(store), StoreKind::Memory) => store.set_bounds(bounds(settings)),
            _ => return Self::new(config),
        }
        self.clone()
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::new(store.clone()),
            Self::Memory(store) => Arc::new(store.clone()),
        }
    }
}

fn bounds(settings: &Responses) -> Bounds {
    Bounds {
        entries: usize::try_from(settings.max_entries).unwrap_or(usize::MAX),
        bytes: settings.max_mb << 20,
        age: Duration::from_secs(settings.expire_days * 24 * 60 * 60),
    }
}

#[cfg(test)]
mod tests {
    use switchtower_layers::responses::store::Stored;

    use super::*;

    fn config(directory: &Path, store: StoreKind, max_entries: u64) -> Config {
        let responses = Responses { store, max_entries, ..Responses::default() };
        Config { data_dir: directory.to_owned(), responses, ..Config::default() }
    }

    fn stored(id: &str) -> Stored {
        let (input, output) = (Vec::new(), Vec::new());
        Stored { id: id.into(), created: 0, response: "{}".into(), input, output }
    }

    async fn has(keep: &ResponseStore, id: &str) -> bool {
        keep.store().get("me", id, 0).await.unwrap().is_some()
    }

    #[tokio::test]
    async fn a_store_of_the_same_kind_goes_on_within_the_new_bounds() {
        use StoreKind::{Memory, Sqlite};
        let directory = tempfile::tempdir().unwrap();
        for (kind, other) in [(Memory, Sqlite), (Sqlite, Memory)] {
            let config = |kind, entries| config(directory.path(), kind, entries);
            let keep = ResponseStore::new(&config(kind, 2));
            for id in ["a", "b"] {
                keep.store().put("me", stored(id)).await.unwrap();
            }
            let keep = keep.reconfigure(&config(kind, 1));
            assert!(has(&keep, "b").await, "{kind:?}");
            keep.store().put("me", stored("c")).await.unwrap();
            assert_eq!((has(&keep, "b").await, has(&keep, "c").await), (false, true), "{kind:?}");
            assert!(!has(&keep.reconfigure(&config(other, 1)), "c").await, "{kind:?}");
        }
    }
}
