use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// An agent as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Agent)]
pub struct Summary {
    /// Names it in tasks and rules.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Kind of agent.
    pub r#type: Kind,
    /// Capabilities, for people.
    pub capabilities: Vec<String>,
    /// Availability for tasks.
    pub status: Status,
    /// Time of the last successful check, in milliseconds since the Unix epoch.
    #[serde(rename = "lastSeen")]
    pub last_seen: Option<u64>,
}

/// Kind of agent. Those that were registered are services, whatever they say they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = AgentKind)]
pub enum Kind {
    /// The Claude Code program.
    ClaudeCode,
    /// The OpenClaw program.
    Openclaw,
    /// The Codex program.
    Codex,
    /// Any other program.
    Process,
    /// A service.
    Http,
}

/// Whether an agent can be given tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AgentStatus)]
pub enum Status {
    /// It is there.
    Online,
    /// Its program is not found or does not run, or its endpoint does not answer.
    Offline,
    /// It is there, and at work on a task.
    Busy,
}

/// A task for an agent.
pub struct Work {
    /// The agent's id.
    pub agent: String,
    /// The task's id, for logs and for finding what is left after a crash.
    pub task: String,
    /// The prompt.
    pub text: String,
    /// Overrides the agent's own and the configured default.
    pub timeout: Option<Duration>,
    /// The working directory of a program; the gateway's own if there is none.
    pub cwd: Option<PathBuf>,
    /// Hears what the agent says, as it says it. Must not block.
    pub progress: Box<dyn Fn(Stream, String) + Send + Sync>,
    /// Ends it early.
    pub cancel: CancellationToken,
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work")
            .field("agent", &self.agent)
            .field("task", &self.task)
            .finish_non_exhaustive()
    }
}

/// Output stream of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Its answer.
    Stdout,
    /// What it says besides.
    Stderr,
}

/// Answer of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// The text, truncated to the configured length; omissions are marked.
    pub text: String,
}

/// Reason for a missing answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It was cancelled.
    Cancelled,
    /// For a person: what went wrong, with the tail of stderr.
    Failed(String),
}
