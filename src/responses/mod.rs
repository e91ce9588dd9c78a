//! Where this gateway keeps what the Responses API has it remember: the responses themselves, in
//! `responses.sqlite` in `dataDir`, and the key that seals a model's reasoning, in `seal.key`
//! beside it.
//!
//! Both are made when they are first needed: a gateway that nobody asks for responses makes no
//! file. Both survive a restart.

mod schema;
mod seal;
mod shelf;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use switchtower_layers::responses::state::{Bounds, MemoryStore, Store};

use crate::config::{Config, ResponseStore};

pub use seal::{KeyError, KeySeal};
pub use sqlite::SqliteStore;

/// The store that the configuration asks for. It outlives the stack.
#[must_use]
pub fn store(config: &Config) -> Arc<dyn Store> {
    let settings = &config.responses;
    let bounds = Bounds {
        entries: usize::try_from(settings.max_entries).unwrap_or(usize::MAX),
        bytes: settings.max_mb << 20,
        age: Duration::from_secs(settings.expire_days * 24 * 60 * 60),
    };
    match settings.store {
        ResponseStore::Sqlite => Arc::new(SqliteStore::new(&config.data_dir, bounds)),
        ResponseStore::Memory => Arc::new(MemoryStore::new(bounds)),
    }
}

/// What seals a model's reasoning here.
///
/// # Errors
///
/// When there is a key but it cannot be read or is none. The error says what to do.
pub fn seal(config: &Config) -> Result<KeySeal, KeyError> {
    KeySeal::open(&config.data_dir)
}

#[cfg(test)]
mod tests;
