//! SQLite databases in `dataDir`: for this user only, and for one process at a time.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// Timeout for a lock that another process holds, such as a gateway that is shutting down.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens a database, and makes it and its directory if need be. `purpose` is what it keeps, in
/// the plural, for the error; `schema` is run each time, and `version` is that of the schema.
///
/// Writes are in a log of their own, and on the disk when the operating system comes to it: what
/// was committed survives the end of this process, however it ends, but the last of it may be lost
/// when the machine itself goes down.
///
/// # Errors
///
/// When the directory or the file cannot be made or used, when another process has it open, and
/// when a newer version wrote it. It says what to do.
pub fn open(
    directory: &Path,
    name: &str,
    purpose: &'static str,
    schema: &str,
    version: u32,
) -> Result<Connection, Error> {
    let path = directory.join(name);
    let opened = prepare(directory, &path)
        .map_err(Reason::Io)
        .and_then(|()| connect(&path, schema, version));
    opened.map_err(|reason| Error { path, purpose, reason })
}

/// Whether a database that is there could be opened now. What is in it stays as it is.
///
/// # Errors
///
/// As those of [`open`], but for a newer version's: it is not known which would be newer.
pub fn probe(directory: &Path, name: &str, purpose: &'static str) -> Result<(), Error> {
    let path = directory.join(name);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let look = || {
        let connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(Duration::ZERO)?;
        connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")
    };
    look().map_err(|error| Error { path: path.clone(), purpose, reason: error.into() })
}

/// For this user only: SQLite gives its other files the mode of the first.
fn prepare(directory: &Path, path: &Path) -> io::Result<()> {
    let mut make = DirBuilder::new();
    let mut create = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        make.mode(0o700);
        create.mode(0o600);
    }
    // One that is there is left as it is: it may be somebody's home.
    make.recursive(true).create(directory)?;
    let file = create.write(true).create(true).truncate(false).open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    drop(file);
    Ok(())
}

fn connect(path: &Path, schema: &str, version: u32) -> Result<Connection, Reason> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    // Two processes would write over each other's counts.
    connection.pragma_update(None, "locking_mode", "exclusive")?;
    // What is stored has no business in the system's directory for temporary files.
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    let written: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if written > version {
        return Err(Reason::Newer);
    }
    // Takes the lock, too.
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute_batch(schema)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()?;
    Ok(connection)
}

/// Reason why a database cannot be used, with advice.
#[derive(Debug)]
pub struct Error {
    path: PathBuf,
    purpose: &'static str,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Io(io::Error),
    Database(rusqlite::Error),
    Newer,
}

impl From<rusqlite::Error> for Reason {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl Error {
    /// Whether another process has it open.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let Reason::Database(error) = &self.reason else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        )
    }

    /// Error while reading a database.
    pub fn unreadable(
        directory: &Path,
        name: &str,
        purpose: &'static str,
        error: rusqlite::Error,
    ) -> Self {
        Self { path: directory.join(name), purpose, reason: Reason::Database(error) }
    }
}

impl Reason {
    fn help(&self) -> &'static str {
        match self {
            Self::Io(error) => match error.kind() {
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                    "let this user write there, or set `dataDir` to another directory"
                }
                _ => "set `dataDir` to a directory where this user can write",
            },
            Self::Database(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    "stop the other process, or give this one a `dataDir` of its own"
                }
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                    "move the file away to begin with an empty one"
                }
                Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                    "let this user write there, or set `dataDir` to another directory"
                }
                _ => "see whether there is room on the disk, or set `dataDir` to another directory",
            },
            Self::Newer => "run that version, or set `dataDir` to another directory",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Database(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    f.write_str("another process has it open")
                }
                _ => error.fmt(f),
            },
            Self::Newer => f.write_str("a newer version of switchtower wrote it"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, purpose, reason } = self;
        let help = reason.help();
        write!(f, "cannot keep the {purpose} in {}: {reason}\n  help: {help}", path.display())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            Reason::Io(error) => Some(error),
            Reason::Database(error) => Some(error),
            Reason::Newer => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS things (name TEXT)";

    fn open_in(directory: &Path, version: u32) -> Result<Connection, String> {
        open(directory, "things.sqlite", "things", SCHEMA, version)
            .map_err(|error| error.to_string().replace(&directory.display().to_string(), "DIR"))
    }

    #[test]
    fn what_was_written_is_there_when_it_is_opened_again() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("a/b");
        for count in 0..3 {
            let connection = open_in(&directory, 1).unwrap();
            let things = "SELECT count(*) FROM things";
            let found: u32 = connection.query_row(things, [], |row| row.get(0)).unwrap();
            assert_eq!(found, count);
            connection.execute("INSERT INTO things VALUES ('a')", []).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn it_is_for_this_user_only() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("data");
        let connection = open_in(&directory, 1).unwrap();
        assert_eq!(mode(&directory), 0o700);
        let files: Vec<_> =
            fs::read_dir(&directory).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() > 1, "with its log: {files:?}");
        assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
        drop(connection);

        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        let file = directory.join("things.sqlite");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let _connection = open_in(&directory, 1).unwrap();
        assert_eq!((mode(&directory), mode(&file)), (0o755, 0o600), "the directory may be a home");
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path();
        let first = open_in(directory, 2).unwrap();
        assert_eq!(
            open_in(directory, 2).unwrap_err(),
            "cannot keep the things in DIR/things.sqlite: another process has it open\n  \
             help: stop the other process, or give this one a `dataDir` of its own"
        );
        assert!(probe(directory, "things.sqlite", "things").unwrap_err().is_busy());
        drop(first);
        probe(directory, "things.sqlite", "things").unwrap();
        assert_eq!(
            open_in(directory, 1).unwrap_err(),
            "cannot keep the things in DIR/things.sqlite: a newer version of switchtower wrote it\n  \
             help: run that version, or set `dataDir` to another directory"
        );
        fs::write(directory.join("things.sqlite"), "no database, but much text".repeat(100))
            .unwrap();
        let error = open_in(directory, 2).unwrap_err();
        assert!(error.ends_with("help: move the file away to begin with an empty one"), "{error}");
        let error = open_in(&directory.join("things.sqlite"), 2).unwrap_err();
        assert!(
            error.ends_with("help: set `dataDir` to a directory where this user can write"),
            "{error}"
        );
    }
}
