//! What tasks have in common: messages and artifacts.

use std::sync::Arc;

use serde_json::Value;

use super::database::{Database, Error};
use super::events::Events;
use crate::config::Config;

/// The spaces. A handle: clones share them.
#[derive(Clone, Debug)]
pub struct Spaces;

impl Spaces {
    /// Kept in the database, and their artifacts in files beside it.
    #[must_use]
    pub fn new(config: &Arc<Config>, database: Database, events: Events) -> Self {
        let _ = (config, database, events);
        Self
    }

    /// Whether there is one of that id.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn exists(&self, id: &str) -> Result<bool, Error> {
        let _ = id;
        Ok(false)
    }

    /// Adds a message, and tells who listens. Its number, or none when there is no such space.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn append(&self, id: &str, message: NewMessage) -> Result<Option<u64>, Error> {
        let _ = (id, message);
        Ok(None)
    }

    /// The last messages, oldest first.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn recent(&self, id: &str, limit: usize) -> Result<Vec<Message>, Error> {
        let _ = (id, limit);
        Ok(Vec::new())
    }
}

/// A message of a space.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Counts up.
    pub id: u64,
    /// `user`, `agent`, or what the client calls itself.
    pub role: String,
    /// The agent or client that says it.
    pub source: Option<String>,
    /// The task that it belongs to.
    pub task_id: Option<String>,
    /// What is said.
    pub content: String,
    /// Anything else.
    pub metadata: Value,
    /// When it was added, in milliseconds since the Unix epoch.
    pub created_at: u64,
}

/// A message to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// `user`, `agent`, or what the client calls itself.
    pub role: String,
    /// The agent or client that says it.
    pub source: Option<String>,
    /// The task that it belongs to.
    pub task_id: Option<String>,
    /// What is said.
    pub content: String,
    /// Anything else.
    pub metadata: Value,
}

/// Its tables.
pub(super) const SCHEMA: &str = "";
