//! The agent side's database, `mesh.sqlite` in `dataDir`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use switchtower_layers::BoxError;

use switchtower_platform::database;

const FILE: &str = "mesh.sqlite";
/// That of the schema.
const VERSION: u32 = 1;

/// The database, which is opened when it is first needed. A handle: clones share it.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    directory: PathBuf,
    /// Locked by threads that may block.
    state: Mutex<WriterState>,
}

enum WriterState {
    /// Until it could be opened.
    Unopened,
    Open(Connection),
    /// The database is closed permanently.
    Closed,
}

impl Database {
    /// A database in this directory. Does not touch the disk.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self(Arc::new(Inner {
            directory: directory.to_owned(),
            state: Mutex::new(WriterState::Unopened),
        }))
    }

    /// Whether anything was ever kept there.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.0.directory.join(FILE).exists()
    }

    /// Runs on a thread that may block. One call at a time; until the database can be opened, every
    /// call tries again. What a call has committed survives the end of the process, however it
    /// ends.
    ///
    /// # Errors
    ///
    /// When the database cannot be opened or was closed, or `work` fails.
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = self.0.clone();
        let task = move || -> Result<T, BoxError> {
            let mut state = inner.state.lock();
            if let WriterState::Unopened = *state {
                *state = WriterState::Open(inner.open()?);
            }
            match &mut *state {
                WriterState::Open(connection) => Ok(work(connection)?),
                _ => Err("the gateway stops".into()),
            }
        };
        match tokio::task::spawn_blocking(task).await {
            Ok(done) => done.map_err(|error| Error(error.to_string())),
            Err(error) => Err(Error(error.to_string())),
        }
    }

    /// Lets go of it, so that the next process can have it while this one still lets streams
    /// finish.
    pub async fn close(&self) {
        let inner = self.0.clone();
        let _ =
            tokio::task::spawn_blocking(move || *inner.state.lock() = WriterState::Closed).await;
    }
}

impl Inner {
    fn open(&self) -> Result<Connection, database::Error> {
        let schema = [super::agents::SCHEMA, super::tasks::SCHEMA, super::spaces::SCHEMA].concat();
        database::open(&self.directory, FILE, "tasks and spaces", &schema, VERSION)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("directory", &self.0.directory).finish_non_exhaustive()
    }
}

/// Reason why something could not be read or kept, human-readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_next_process_can_have_it_once_it_is_closed() {
        let home = tempfile::tempdir().unwrap();
        let (old, next) = (Database::new(home.path()), Database::new(home.path()));
        let add = "INSERT INTO agents VALUES ('a', '{}')";
        old.call(move |connection| connection.execute(add, [])).await.unwrap();
        old.close().await;
        let count = |connection: &mut Connection| -> rusqlite::Result<u32> {
            connection.query_row("SELECT count(*) FROM agents", [], |row| row.get(0))
        };
        assert_eq!(next.call(count).await, Ok(1));
        assert!(old.call(count).await.is_err(), "it does not come back");
    }
}
