//! State machine of a task. Pure: without clock, database and agents.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::view::{TaskError, TaskStatus};

/// How far a task is, and each of its agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TaskState {
    pub(super) status: TaskStatus,
    /// Each agent gives a result of its own.
    pub(super) is_broadcast: bool,
    /// In the order in which they were assigned; each agent once.
    pub(super) runs: Vec<Run>,
    /// Why it ended before its agents did.
    pub(super) stopped: Option<String>,
    /// In milliseconds since the Unix epoch.
    pub(super) updated_at: u64,
}

/// One agent's share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) agent: String,
    pub(super) phase: Phase,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Phase {
    Waiting,
    Running,
    Answered(String),
    Failed(String),
}

/// Something that happens to a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It was accepted by all.
    Assigned,
    /// This agent begins.
    Started(String),
    /// This agent has answered, or failed.
    Ended(String, Result<String, String>),
    /// Somebody took it back.
    Cancelled,
    /// This is why it does not go on.
    Stopped(String),
}

/// What a step changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Assigned,
    Started(String),
    /// One of several agents is done.
    Part,
    Completed,
    Failed,
    Cancelled,
}

impl TaskState {
    pub(super) fn new(agents: &[String], is_broadcast: bool, now: u64) -> Self {
        let run = |agent: &String| Run { agent: agent.clone(), phase: Phase::Waiting };
        Self {
            status: TaskStatus::Pending,
            is_broadcast,
            runs: agents.iter().map(run).collect(),
            stopped: None,
            updated_at: now,
        }
    }

    /// None when the step comes too late, or out of turn: nothing has changed then. A broadcast is
    /// completed when all have ended and any has answered; it failed when all have failed.
    pub(super) fn apply(&mut self, step: Step, now: u64) -> Option<Change> {
        use TaskStatus::{Assigned, Cancelled, Failed, Pending, Running};
        let change = match (self.status, step) {
            (Pending, Step::Assigned) => {
                self.status = Assigned;
                Change::Assigned
            }
            (Assigned | Running, Step::Started(agent)) => {
                *self.phase(&agent, &Phase::Waiting)? = Phase::Running;
                self.status = Running;
                Change::Started(agent)
            }
            (Running, Step::Ended(agent, result)) => {
                *self.phase(&agent, &Phase::Running)? = match result {
                    Ok(answer) => Phase::Answered(answer),
                    Err(message) => Phase::Failed(message),
                };
                self.settle()
            }
            (Pending | Assigned | Running, Step::Cancelled) => {
                self.status = Cancelled;
                Change::Cancelled
            }
            (Running, Step::Stopped(why)) => {
                self.status = Failed;
                self.stopped = Some(why);
                Change::Failed
            }
            _ => return None,
        };
        // The clock may have been set back.
        self.updated_at = self.updated_at.max(now);
        Some(change)
    }

    fn phase(&mut self, agent: &str, phase: &Phase) -> Option<&mut Phase> {
        let mut runs = self.runs.iter_mut();
        let run = runs.find(|run| run.agent == agent && run.phase == *phase)?;
        Some(&mut run.phase)
    }

    fn settle(&mut self) -> Change {
        if self.runs.iter().any(|run| matches!(run.phase, Phase::Waiting | Phase::Running)) {
            return Change::Part;
        }
        let (status, change) = if self.has_answer() {
            (TaskStatus::Completed, Change::Completed)
        } else {
            (TaskStatus::Failed, Change::Failed)
        };
        self.status = status;
        change
    }

    fn has_answer(&self) -> bool {
        self.runs.iter().any(|run| matches!(run.phase, Phase::Answered(_)))
    }

    /// Null until it is final, and when no agent answered. A broadcast that ended early keeps the
    /// answers until then.
    pub(super) fn result(&self) -> Value {
        if !self.status.is_final() || !self.has_answer() {
            return Value::Null;
        }
        if !self.is_broadcast {
            let answers = self.runs.iter().find_map(|run| match &run.phase {
                Phase::Answered(answer) => Some(answer.clone()),
                _ => None,
            });
            return answers.into();
        }
        let ended = self.runs.iter().filter_map(|run| {
            let result = match &run.phase {
                Phase::Answered(answer) => json!(answer),
                Phase::Failed(message) => json!({"error": TaskError::new(message.clone())}),
                Phase::Waiting | Phase::Running => return None,
            };
            Some((run.agent.clone(), result))
        });
        Value::Object(ended.collect::<Map<_, _>>())
    }

    /// What is said by each agent when it failed, or what stopped it.
    pub(super) fn error(&self) -> Option<TaskError> {
        if self.status != TaskStatus::Failed {
            return None;
        }
        if let Some(why) = &self.stopped {
            return Some(TaskError::new(why.clone()));
        }
        let messages = self.runs.iter().filter_map(|run| match &run.phase {
            Phase::Failed(message) if self.runs.len() > 1 => {
                Some(format!("{}: {message}", run.agent))
            }
            Phase::Failed(message) => Some(message.clone()),
            _ => None,
        });
        Some(TaskError::new(messages.collect::<Vec<_>>().join("\n")))
    }
}

#[cfg(test)]
mod tests;
