//! What agents are given to do.

use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub use super::agents::Stream;
use super::agents::{Fault, Output, Summary, Work};
use super::{database::Database, events::Events, spaces::Spaces};
use crate::config::Config;

/// Who does the tasks.
pub trait Runner: Send + Sync {
    /// All agents, in the order in which they are preferred.
    fn agents(&self) -> Vec<Summary>;

    /// Has an agent do it. Dropping the future ends the agent, too.
    fn run(&self, work: Work) -> Running;
}

/// An agent at work.
pub type Running = Pin<Box<dyn Future<Output = Result<Output, Fault>> + Send>>;

/// The tasks. A handle: clones share them.
#[derive(Clone, Debug)]
pub struct Tasks;

impl Tasks {
    /// As configured.
    #[must_use]
    pub fn new(
        config: &Arc<Config>,
        database: Database,
        runner: Arc<dyn Runner>,
        spaces: Spaces,
        events: Events,
    ) -> Self {
        let _ = (config, database, runner, spaces, events);
        Self
    }

    /// Takes up what the last process left.
    pub async fn start(&self) {}

    /// Takes no more, and ends those that run.
    pub async fn stop(&self) {}

    /// One of them.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn get(&self, id: &str) -> Result<Option<TaskView>, super::database::Error> {
        let _ = id;
        Ok(None)
    }
}

/// A task as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TaskView {
    /// Names it.
    pub id: String,
    /// How far it is.
    pub status: TaskStatus,
    /// Who does it, or did.
    pub assigned_agents: Vec<String>,
    /// What came of it: a text, or for a broadcast a text per agent. Null until then.
    pub result: Value,
    /// Why it failed.
    pub error: Option<TaskError>,
    /// When it was accepted, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// When anything of this changed last.
    pub updated_at: u64,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// It was accepted.
    Pending,
    /// It is known who does it, and waits for a free slot.
    Assigned,
    /// An agent is at work.
    Running,
    /// All agents are done.
    Completed,
    /// It came to nothing.
    Failed,
    /// Somebody took it back.
    Cancelled,
}

/// Why a task failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
pub struct TaskError {
    /// `TASK_FAILED`.
    pub code: String,
    /// For a person.
    pub message: String,
}

/// Its tables.
pub(super) const SCHEMA: &str = "";
