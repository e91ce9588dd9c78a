//! Storage of the Responses API: the responses themselves, in `responses.sqlite` in `dataDir`, and
//! the key that seals a model's reasoning, in `seal.key` beside it.
//!
//! Both are created on first use: a gateway without Responses requests creates no file. Both
//! survive a restart.

mod database;
mod schema;
mod seal;
mod sqlite;
mod stores;

use crate::config::Config;

pub use seal::{KeyError, KeySeal};
pub use sqlite::SqliteStore;
pub use stores::ResponseStore;

/// The seal of reasoning, by the key in `dataDir`.
///
/// # Errors
///
/// When there is a key but it cannot be read or is none. The error says what to do.
pub fn seal(config: &Config) -> Result<KeySeal, KeyError> {
    KeySeal::open(&config.data_dir)
}

#[cfg(test)]
mod tests;
