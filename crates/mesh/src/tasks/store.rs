//! The tasks' table.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;

use super::state::TaskState;
use super::submission::Submission;
use super::view::{TaskStatus, TaskView};

/// `spec` and `runs` are JSON. The ids sort by the time of acceptance.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS tasks (
        id TEXT PRIMARY KEY NOT NULL,
        status TEXT NOT NULL,
        spec TEXT NOT NULL,
        is_broadcast INTEGER NOT NULL,
        reason TEXT NOT NULL,
        runs TEXT NOT NULL,
        stopped TEXT,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        size INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS tasks_by_status ON tasks (status, id, size);
";

const COLUMNS: &str =
    "id, status, spec, is_broadcast, reason, runs, stopped, created_at, updated_at";
const FINISHED: &str = "status IN ('completed', 'failed', 'cancelled')";
/// The finished ones together take no more than so many bytes.
const KEPT_BYTES: u64 = 256 << 20;
/// A page ends when it has so many bytes.
const PAGE_BYTES: usize = 8 << 20;

/// A task as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) spec: Submission,
    pub(super) state: TaskState,
    /// Why these agents.
    pub(super) reason: String,
    pub(super) created_at: u64,
}

impl Task {
    pub(super) fn agents(&self) -> Vec<String> {
        self.state.runs.iter().map(|run| run.agent.clone()).collect()
    }

    pub(super) fn view(&self) -> TaskView {
        let Submission { text, kind, source, correlation_id, space, cwd, .. } = self.spec.clone();
        TaskView {
            id: self.id.clone(),
            status: self.state.status,
            assigned_agents: self.agents(),
            result: self.state.result(),
            error: self.state.error(),
            created_at: self.created_at,
            updated_at: self.state.updated_at,
            task: text,
            r#type: kind,
            source,
            correlation_id,
            space_id: space,
            cwd,
        }
    }
}

/// Which tasks to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Only tasks with this status.
    pub status: Option<TaskStatus>,
    /// Maximum number of tasks.
    pub limit: usize,
    /// Only tasks that were accepted before this one.
    pub after: Option<String>,
}

pub(super) fn insert(connection: &Connection, task: &Task) -> rusqlite::Result<()> {
    let mut insert = connection.prepare(
        "INSERT INTO tasks (id, status, spec, is_broadcast, reason, runs, stopped, created_at,
            updated_at, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let Task { id, spec, state, reason, created_at } = task;
    let (spec, runs) = (json(spec)?, json(&state.runs)?);
    let (status, broadcast) = (state.status.as_str(), state.is_broadcast);
    let (stopped, size) = (&state.stopped, spec.len() + runs.len());
    let (created, updated) = (*created_at as i64, state.updated_at as i64);
    insert.execute(params![
        id,
        status,
        spec,
        broadcast,
        reason,
        runs,
        stopped,
        created,
        updated,
        size as i64
    ])?;
    Ok(())
}

/// Writes what changes in the course of a task.
pub(super) fn update(connection: &Connection, task: &Task) -> rusqlite::Result<()> {
    let mut update = connection.prepare(
        "UPDATE tasks SET status = ?2, runs = ?3, stopped = ?4, updated_at = ?5,
            size = length(CAST(spec AS BLOB)) + ?6 WHERE id = ?1",
    )?;
    let Task { id, state, .. } = task;
    let runs = json(&state.runs)?;
    let (status, updated, size) =
        (state.status.as_str(), state.updated_at as i64, runs.len() as i64);
    update.execute(params![id, status, runs, state.stopped, updated, size])?;
    Ok(())
}

pub(super) fn load(connection: &Connection, id: &str) -> rusqlite::Result<Option<Task>> {
    let sql = format!("SELECT {COLUMNS} FROM tasks WHERE id = ?1");
    connection.prepare(&sql)?.query_row([id], read).optional()
}

/// Newest first. A page whose tasks are large may have fewer than its limit, but none that is not
/// the last is empty.
pub(super) fn list(connection: &Connection, page: &Page) -> rusqlite::Result<Vec<Task>> {
    let status = if page.status.is_some() { "status = ?1" } else { "?1 IS NULL" };
    let after = if page.after.is_some() { "id < ?2" } else { "?2 IS NULL" };
    let sql = format!(
        "SELECT {COLUMNS}, size FROM tasks WHERE {status} AND {after}
        ORDER BY id DESC LIMIT ?3"
    );
    let mut select = connection.prepare(&sql)?;
    let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
    let mut rows = select.query(params![page.status.map(TaskStatus::as_str), page.after, limit])?;
    let (mut tasks, mut bytes) = (Vec::new(), 0);
    while bytes < PAGE_BYTES
        && let Some(row) = rows.next()?
    {
        bytes += row.get::<_, i64>(9)? as usize;
        tasks.push(read(row)?);
    }
    Ok(tasks)
}

/// The ids of all that are so far, in the order of acceptance.
pub(super) fn ids(connection: &Connection, status: TaskStatus) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare("SELECT id FROM tasks WHERE status = ?1 ORDER BY id")?;
    select.query_map([status.as_str()], |row| row.get(0))?.collect()
}

/// Removes the oldest of the finished ones where there are more than `keep`, or more bytes than
/// are kept, but for the one that has just finished.
pub(super) fn prune(connection: &Connection, keep: usize, finished: &str) -> rusqlite::Result<()> {
    let sql = format!("SELECT count(*), coalesce(sum(size), 0) FROM tasks WHERE {FINISHED}");
    let (count, bytes): (i64, i64) =
        connection.prepare(&sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut count_over = (count as u64).saturating_sub(keep as u64);
    let mut bytes_over = (bytes as u64).saturating_sub(KEPT_BYTES);
    if count_over == 0 && bytes_over == 0 {
        return Ok(());
    }
    let sql = format!("SELECT id, size FROM tasks WHERE {FINISHED} AND id <> ?1 ORDER BY id");
    let mut select = connection.prepare(&sql)?;
    let mut rows = select.query([finished])?;
    let mut remove = connection.prepare("DELETE FROM tasks WHERE id = ?1")?;
    let mut old = Vec::new();
    while (count_over > 0 || bytes_over > 0)
        && let Some(row) = rows.next()?
    {
        old.push(row.get::<_, String>(0)?);
        count_over = count_over.saturating_sub(1);
        bytes_over = bytes_over.saturating_sub(row.get::<_, i64>(1)? as u64);
    }
    for id in old {
        remove.execute([id])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Task> {
    let status: String = row.get(1)?;
    let status = TaskStatus::parse(&status)
        .ok_or_else(|| wrong(1, format!("there is no status `{status}`").into()))?;
    let state = TaskState {
        status,
        is_broadcast: row.get(3)?,
        runs: parsed(row, 5)?,
        stopped: row.get(6)?,
        updated_at: row.get::<_, i64>(8)? as u64,
    };
    Ok(Task {
        id: row.get(0)?,
        spec: parsed(row, 2)?,
        state,
        reason: row.get(4)?,
        created_at: row.get::<_, i64>(7)? as u64,
    })
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn parsed<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let json = row.get_ref(column)?.as_str()?;
    serde_json::from_str(json).map_err(|error| wrong(column, error.into()))
}

fn wrong(column: usize, error: switchtower_layers::BoxError) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error)
}

#[cfg(test)]
mod tests;
