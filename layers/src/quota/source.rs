use std::{future::Future, pin::Pin, time::Duration};

use super::Snapshot;
use crate::BoxError;

/// A read that is under way: names, and what each of them has left.
// Boxed so that sources of different types can be watched; once per ttl that costs nothing.
pub type Reading<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<(String, Snapshot)>, BoxError>> + Send + 'a>>;

/// A source of remaining quota: a provider's balance endpoint, a command, a file.
///
/// [`Quotas::watch`](super::Quotas::watch) reads it in the background, one read at a time. A read
/// is dropped when it takes too long, or when the last handle is, and should leave nothing behind.
pub trait QuotaSource: Send + Sync + 'static {
    /// What it is called in logs.
    fn name(&self) -> &str;

    /// How long a snapshot is good, which is how often it is read. Default 60 s; less than a
    /// second is taken for a second.
    fn ttl(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// How long a read may take. Default 10 s.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// Reads the current quota. A source may report many names at once, and only those that it
    /// could read.
    ///
    /// # Errors
    ///
    /// When nothing could be learned. The text is logged: it must not contain a key.
    ///
    /// # Panics
    ///
    /// A source that panics is forgotten, with all that it has said.
    fn read(&self) -> Reading<'_>;
}
