//! Artifacts in the database, where their names mean nothing.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::table::{self, Result};
use super::{Artifact, ArtifactView, Refused, limits};

const COLUMNS: &str = "name, size, content_type, updated_at";

/// Whether it is new, or took the place of one of that name.
pub(super) fn put(
    transaction: &Transaction<'_>,
    space: &str,
    name: &str,
    artifact: &Artifact,
    now: u64,
) -> Result<std::result::Result<(ArtifactView, bool), Refused>> {
    let Artifact { content_type, data } = artifact;
    let Some(view) = table::get(transaction, space)? else { return Ok(Err(Refused::Unknown)) };
    let old = size(transaction, space, name)?;
    if old.is_none() && view.artifact_count >= limits::ARTIFACTS {
        let message = format!("the space has {} artifacts: delete some first", limits::ARTIFACTS);
        return Ok(Err(Refused::Full(message)));
    }
    let (size, old_size) = (data.len() as u64, old.unwrap_or_default());
    if size > old_size
        && let Some(refused) = table::room(transaction, size - old_size)?
    {
        return Ok(Err(refused));
    }
    let more = size as i64 - old_size as i64;
    table::change(transaction, space, now, (0, i64::from(old.is_none()), more))?;
    transaction.execute(
        "INSERT OR REPLACE INTO artifacts (space_id, name, content_type, updated_at, size, data) \
         VALUES (?, ?, ?, ?, ?, ?)",
        params![space, name, content_type, now, size, data],
    )?;
    let (name, content_type) = (name.to_owned(), content_type.clone());
    Ok(Ok((ArtifactView { name, size, content_type, updated_at: now }, old.is_none())))
}

pub(super) fn list(connection: &Connection, space: &str) -> Result<Vec<ArtifactView>> {
    let sql = format!("SELECT {COLUMNS} FROM artifacts WHERE space_id = ? ORDER BY name");
    connection.prepare(&sql)?.query_map([space], view)?.collect()
}

pub(super) fn get(connection: &Connection, space: &str, name: &str) -> Result<Option<Artifact>> {
    let sql = "SELECT content_type, data FROM artifacts WHERE space_id = ? AND name = ?";
    let artifact = |row: &Row<'_>| Ok(Artifact { content_type: row.get(0)?, data: row.get(1)? });
    connection.query_row(sql, [space, name], artifact).optional()
}

pub(super) fn delete(
    transaction: &Transaction<'_>,
    space: &str,
    name: &str,
    now: u64,
) -> Result<bool> {
    let Some(size) = size(transaction, space, name)? else { return Ok(false) };
    transaction.execute("DELETE FROM artifacts WHERE space_id = ? AND name = ?", [space, name])?;
    table::change(transaction, space, now, (0, -1, -(size as i64)))
}

fn size(connection: &Connection, space: &str, name: &str) -> Result<Option<u64>> {
    let sql = "SELECT size FROM artifacts WHERE space_id = ? AND name = ?";
    connection.query_row(sql, [space, name], |row| row.get(0)).optional()
}

fn view(row: &Row<'_>) -> Result<ArtifactView> {
    Ok(ArtifactView {
        name: row.get(0)?,
        size: row.get(1)?,
        content_type: row.get(2)?,
        updated_at: row.get(3)?,
    })
}
