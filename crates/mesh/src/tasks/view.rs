use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A task as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TaskView {
    /// Names it.
    pub id: String,
    /// Status of the task.
    pub status: TaskStatus,
    /// The agents that run it, or did.
    pub assigned_agents: Vec<String>,
    /// Result: a text, or for a broadcast an object with a text per agent; there an agent that
    /// failed has `{"error": {code, message}}`. Null until then.
    pub result: Value,
    /// Error of a failed task.
    pub error: Option<TaskError>,
    /// Time of acceptance, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Time of the last change.
    pub updated_at: u64,
    /// The task's text.
    pub task: String,
    /// The client's own word for what sort of task it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Sender, if it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The client's own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The space it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub space_id: Option<String>,
    /// The working directory that its agents start in, if it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
}

/// How far a task is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    serde::Deserialize,
    ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// It was accepted.
    Pending,
    /// The agents are chosen, and it waits for a free slot.
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

impl TaskStatus {
    /// Its name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Assigned => "assigned",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The one of that name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        use TaskStatus::{Assigned, Cancelled, Completed, Failed, Pending, Running};
        let all = [Pending, Assigned, Running, Completed, Failed, Cancelled];
        all.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether nothing changes any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// Error of a failed task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
pub struct TaskError {
    /// `TASK_FAILED`.
    pub code: String,
    /// Human-readable message.
    pub message: String,
}

impl TaskError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { code: switchtower_layers::Code::TaskFailed.as_str().into(), message: message.into() }
    }
}
