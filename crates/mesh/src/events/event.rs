use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::agents::Summary;
use crate::tasks::{Stream, TaskError, TaskView};

/// An event, as its `type` and fields go over the wire.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type")]
pub enum Event {
    /// First on each stream: the client's id, and whether all missed events follow.
    #[serde(rename = "connected")]
    Connected {
        /// Names the stream.
        client_id: String,
        /// After `Last-Event-ID`: false when some of what came since is no longer known.
        #[serde(skip_serializing_if = "Option::is_none")]
        resumed: Option<bool>,
    },
    /// Second, on a stream about one task: how it stands.
    #[serde(rename = "task_status")]
    TaskStatus {
        /// The task's id.
        task_id: String,
        /// The task.
        task: Box<TaskView>,
    },
    /// Second on each stream: the agents.
    #[serde(rename = "welcome")]
    Welcome {
        /// All agents.
        agents: Vec<Summary>,
    },
    /// An agent came.
    #[serde(rename = "agent.registered")]
    AgentRegistered {
        /// The agent.
        agent: Summary,
    },
    /// An agent went.
    #[serde(rename = "agent.unregistered")]
    AgentUnregistered {
        /// Its id.
        agent_id: String,
    },
    /// A task was accepted.
    #[serde(rename = "task.submitted")]
    TaskSubmitted {
        /// Its id.
        task_id: String,
        /// Sender, if it was named.
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<String>,
        /// The space it belongs to.
        #[serde(skip_serializing_if = "Option::is_none")]
        space_id: Option<String>,
    },
    /// The agents were chosen.
    #[serde(rename = "task.assigned")]
    TaskAssigned {
        /// Its id.
        task_id: String,
        /// The agents.
        agents: Vec<String>,
        /// Why these: the rule's name, `target`, `default` or `online`.
        reason: String,
    },
    /// An agent began.
    #[serde(rename = "task.started")]
    TaskStarted {
        /// Its id.
        task_id: String,
        /// The agent's id.
        agent_id: String,
    },
    /// An agent said something.
    #[serde(rename = "task.progress")]
    TaskProgress {
        /// Its id.
        task_id: String,
        /// The agent's id.
        agent_id: String,
        /// Where it was said.
        stream: Stream,
        /// What was said.
        text: String,
    },
    /// All of its agents are done.
    #[serde(rename = "task.completed")]
    TaskCompleted {
        /// Its id.
        task_id: String,
        /// Text, or for a broadcast a text per agent.
        result: Value,
    },
    /// It came to nothing.
    #[serde(rename = "task.failed")]
    TaskFailed {
        /// Its id.
        task_id: String,
        /// Why.
        error: TaskError,
    },
    /// Somebody took it back.
    #[serde(rename = "task.cancelled")]
    TaskCancelled {
        /// Its id.
        task_id: String,
    },
    /// A space has something new.
    #[serde(rename = "context.updated")]
    ContextUpdated {
        /// The space's id.
        space_id: String,
        /// The message that was added.
        #[serde(skip_serializing_if = "Option::is_none")]
        message_id: Option<u64>,
        /// The artifact that was put or removed.
        #[serde(skip_serializing_if = "Option::is_none")]
        artifact: Option<String>,
    },
    /// Every 30 s, regardless of other events.
    #[serde(rename = "heartbeat")]
    Heartbeat {},
    /// Whatever a client had broadcast.
    #[serde(untagged)]
    Custom {
        /// A type of the client's own.
        r#type: String,
        /// What goes with it.
        data: Value,
    },
}

impl Event {
    /// All types but clients' own.
    pub const BUILT_IN: [&str; 14] = [
        "connected",
        "task_status",
        "welcome",
        "agent.registered",
        "agent.unregistered",
        "task.submitted",
        "task.assigned",
        "task.started",
        "task.progress",
        "task.completed",
        "task.failed",
        "task.cancelled",
        "context.updated",
        "heartbeat",
    ];

    /// Whether there may be so many of its kind that they would push all others out of the log.
    pub(super) fn is_chatter(&self) -> bool {
        matches!(self, Self::TaskProgress { .. } | Self::Custom { .. })
    }
}
