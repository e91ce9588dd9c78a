//! Persisted registrations and runs of agents.

use rusqlite::params;

use super::registration::Registration;
use crate::database::{Database, Error};

pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS agents (
        id TEXT PRIMARY KEY,
        registration TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS agent_runs (
        id INTEGER PRIMARY KEY,
        task TEXT NOT NULL,
        agent TEXT NOT NULL,
        leader INTEGER,
        started INTEGER
    ) STRICT;
";

/// Those that were registered, in order of their ids.
pub(super) async fn registered(database: &Database) -> Result<Vec<Registration>, Error> {
    database
        .call(|connection| {
            let mut all = connection.prepare("SELECT registration FROM agents ORDER BY id")?;
            let texts = all.query_map([], |row| row.get::<_, String>(0))?;
            let known = texts
                .filter_map(|text| text.map(|text| serde_json::from_str(&text).ok()).transpose());
            known.collect()
        })
        .await
}

pub(super) async fn register(
    database: &Database,
    registration: &Registration,
) -> Result<(), Error> {
    let id = registration.id.clone();
    let text = serde_json::to_string(registration).unwrap_or_default();
    database
        .call(move |connection| {
            let insert = "INSERT OR REPLACE INTO agents VALUES (?1, ?2)";
            connection.execute(insert, params![id, text]).map(drop)
        })
        .await
}

pub(super) async fn unregister(database: &Database, id: &str) -> Result<(), Error> {
    let id = id.to_owned();
    database
        .call(move |connection| {
            connection.execute("DELETE FROM agents WHERE id = ?1", [id]).map(drop)
        })
        .await
}

/// A run that was on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) task: String,
    pub(super) agent: String,
    /// The process that leads the others, and when it was started.
    pub(super) leader: Option<(i32, u64)>,
}

/// Its row.
pub(super) async fn begin(database: &Database, task: &str, agent: &str) -> Result<i64, Error> {
    let (task, agent) = (task.to_owned(), agent.to_owned());
    database
        .call(move |connection| {
            let insert = "INSERT INTO agent_runs (task, agent) VALUES (?1, ?2)";
            connection.execute(insert, params![task, agent])?;
            Ok(connection.last_insert_rowid())
        })
        .await
}

#[cfg(target_os = "linux")]
pub(super) async fn led_by(
    database: &Database,
    row: i64,
    leader: i32,
    started: u64,
) -> Result<(), Error> {
    database
        .call(move |connection| {
            let update = "UPDATE agent_runs SET leader = ?2, started = ?3 WHERE id = ?1";
            connection.execute(update, params![row, leader, started.cast_signed()]).map(drop)
        })
        .await
}

pub(super) async fn end(database: &Database, row: i64) -> Result<(), Error> {
    database
        .call(move |connection| {
            connection.execute("DELETE FROM agent_runs WHERE id = ?1", [row]).map(drop)
        })
        .await
}

/// All that are written down.
pub(super) async fn runs(database: &Database) -> Result<Vec<Run>, Error> {
    database
        .call(|connection| {
            let mut all =
                connection.prepare("SELECT task, agent, leader, started FROM agent_runs")?;
            let runs = all.query_map([], |row| {
                let leader: Option<i32> = row.get(2)?;
                let started: Option<i64> = row.get(3)?;
                let leader = leader.zip(started.map(i64::cast_unsigned));
                Ok(Run { task: row.get(0)?, agent: row.get(1)?, leader })
            })?;
            runs.collect()
        })
        .await
}

pub(super) async fn forget_runs(database: &Database) -> Result<(), Error> {
    database.call(|connection| connection.execute("DELETE FROM agent_runs", []).map(drop)).await
}
