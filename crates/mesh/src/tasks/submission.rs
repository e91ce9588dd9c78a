use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::routing::NoAgent;
use crate::database;

/// A submitted task. Its bounds are those of the wire, and are checked there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// The task's text.
    pub text: String,
    /// The client's own word for what sort of task it is.
    pub kind: Option<String>,
    /// Sender.
    pub source: Option<String>,
    /// An agent, or `gateway` to leave that to the rules, as does none.
    pub target: Option<String>,
    /// The client's own name for it.
    pub correlation_id: Option<String>,
    /// The space it belongs to.
    pub space: Option<String>,
    /// Files that the agent is pointed to.
    pub files: Vec<String>,
    /// Whether output is published while it is written.
    pub stream: bool,
    /// Timeout of an agent, if not the configured one.
    pub timeout: Option<Duration>,
    /// The working directory of agents that are programs: an absolute path on the gateway's machine.
    /// The gateway's own if there is none.
    pub cwd: Option<String>,
}

impl Submission {
    /// A task with this text, and defaults.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            kind: None,
            source: None,
            target: None,
            correlation_id: None,
            space: None,
            files: Vec::new(),
            stream: true,
            timeout: None,
            cwd: None,
        }
    }
}

/// A task was accepted: it is kept, and is done even if this process ends before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Names it.
    pub task_id: String,
    /// The chosen agents.
    pub agents: Vec<String>,
    /// Reason of the choice: the rule's name, `target`, `default` or `online`.
    pub reason: String,
}

/// Reason why a task is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// No agent is available.
    NoAgent(NoAgent),
    /// There is no such space.
    NoSpace(String),
    /// Too many tasks wait already.
    Full,
    /// The gateway stops.
    Stopping,
    /// It cannot be kept.
    Database(database::Error),
}

impl From<database::Error> for SubmitError {
    fn from(error: database::Error) -> Self {
        Self::Database(error)
    }
}

/// Reason why a task is not cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelError {
    /// There is no such task.
    Unknown,
    /// It has ended, so.
    Ended(super::TaskStatus),
    /// It cannot be written down.
    Database(database::Error),
}

impl From<database::Error> for CancelError {
    fn from(error: database::Error) -> Self {
        Self::Database(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_was_kept_before_there_were_directories_is_read() {
        let mut submission = Submission::new("x");
        submission.cwd = Some("/src".into());
        let kept = serde_json::to_string(&submission).unwrap();
        assert_eq!(serde_json::from_str::<Submission>(&kept).unwrap(), submission);
        let old = kept.replace(",\"cwd\":\"/src\"", "");
        assert_ne!(old, kept);
        assert_eq!(serde_json::from_str::<Submission>(&old).unwrap(), Submission::new("x"));
    }
}
