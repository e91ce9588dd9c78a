//! Spaces in the database, and how much room they take.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::Value;

use super::{Refused, SpaceView, limits};

/// The index of texts keeps no texts. Its `space` is what a query begins with, so that it looks at
/// one space only.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS spaces (
    id TEXT PRIMARY KEY,
    messages INTEGER NOT NULL DEFAULT 0,
    artifacts INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    metadata TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS spaces_bytes ON spaces (bytes);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space_id TEXT NOT NULL,
    role TEXT NOT NULL,
    source TEXT,
    task_id TEXT,
    created_at INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS messages_space ON messages (space_id, id);
CREATE VIRTUAL TABLE IF NOT EXISTS messages_text USING fts5 (
    space, text,
    content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TABLE IF NOT EXISTS artifacts (
    space_id TEXT NOT NULL,
    name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (space_id, name)
) STRICT;
";

const COLUMNS: &str = "id, messages, artifacts, metadata, created_at, updated_at";

pub(super) type Result<T> = rusqlite::Result<T>;

pub(super) fn insert(transaction: &Transaction<'_>, space: &SpaceView) -> Result<Option<Refused>> {
    let metadata = space.metadata.to_string();
    let count: u64 = transaction.query_row("SELECT count(*) FROM spaces", [], |row| row.get(0))?;
    if count >= limits::SPACES {
        return Ok(Some(Refused::Full(format!("there are {count} spaces: delete some first"))));
    }
    if let Some(refused) = room(transaction, metadata.len() as u64)? {
        return Ok(Some(refused));
    }
    transaction.execute(
        "INSERT INTO spaces (id, bytes, created_at, updated_at, metadata) VALUES (?, ?, ?, ?, ?)",
        params![
            space.shared_space_id,
            metadata.len(),
            space.created_at,
            space.updated_at,
            metadata
        ],
    )?;
    Ok(None)
}

/// Whether so many bytes more are too many.
pub(super) fn room(transaction: &Transaction<'_>, more: u64) -> Result<Option<Refused>> {
    let taken = "SELECT coalesce(sum(bytes), 0) FROM spaces";
    let taken: u64 = transaction.query_row(taken, [], |row| row.get(0))?;
    Ok((taken + more > limits::MAX_TOTAL_BYTES).then(|| {
        let most = limits::MAX_TOTAL_BYTES >> 20;
        Refused::Full(format!("all spaces together have {most} MiB, which are used up"))
    }))
}

/// Counts what was added, or taken away. False when there is no such space.
pub(super) fn change(
    transaction: &Transaction<'_>,
    id: &str,
    now: u64,
    (messages, artifacts, bytes): (i64, i64, i64),
) -> Result<bool> {
    let changed = transaction.execute(
        "UPDATE spaces SET messages = messages + ?, artifacts = artifacts + ?, bytes = bytes + ?, \
         updated_at = max(updated_at, ?) WHERE id = ?",
        params![messages, artifacts, bytes, now, id],
    )?;
    Ok(changed > 0)
}

pub(super) fn exists(connection: &Connection, id: &str) -> Result<bool> {
    connection.prepare("SELECT 1 FROM spaces WHERE id = ?")?.exists([id])
}

pub(super) fn get(connection: &Connection, id: &str) -> Result<Option<SpaceView>> {
    let sql = format!("SELECT {COLUMNS} FROM spaces WHERE id = ?");
    connection.query_row(&sql, [id], view).optional()
}

/// Newest first, as their ids are in order of time.
pub(super) fn list(
    connection: &Connection,
    limit: usize,
    after: Option<&str>,
) -> Result<Vec<SpaceView>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM spaces WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2"
    );
    connection.prepare(&sql)?.query_map(params![after, limit], view)?.collect()
}

pub(super) fn delete(transaction: &Transaction<'_>, id: &str) -> Result<bool> {
    let texts =
        "DELETE FROM messages_text WHERE rowid IN (SELECT id FROM messages WHERE space_id = ?)";
    transaction.execute(texts, [id])?;
    transaction.execute("DELETE FROM messages WHERE space_id = ?", [id])?;
    transaction.execute("DELETE FROM artifacts WHERE space_id = ?", [id])?;
    Ok(transaction.execute("DELETE FROM spaces WHERE id = ?", [id])? > 0)
}

fn view(row: &Row<'_>) -> Result<SpaceView> {
    Ok(SpaceView {
        shared_space_id: row.get(0)?,
        message_count: row.get(1)?,
        artifact_count: row.get(2)?,
        metadata: json(&row.get::<_, String>(3)?),
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
    })
}

/// It was written by this program.
pub(super) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
