//! The gateway's responses, as far as the command line reads them. Fields that an older or newer
//! one has not or has besides are no error.

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Agent {
    pub(in crate::cli) id: String,
    #[serde(default)]
    pub(in crate::cli) name: String,
    #[serde(default)]
    pub(in crate::cli) r#type: String,
    #[serde(default)]
    pub(in crate::cli) capabilities: Vec<String>,
    pub(in crate::cli) status: String,
    #[serde(rename = "lastSeen")]
    pub(in crate::cli) last_seen: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Task {
    pub(in crate::cli) id: String,
    pub(in crate::cli) status: String,
    #[serde(default)]
    pub(in crate::cli) assigned_agents: Vec<String>,
    #[serde(default)]
    pub(in crate::cli) result: Value,
    pub(in crate::cli) error: Option<TaskError>,
    /// What is to be done.
    #[serde(default)]
    pub(in crate::cli) task: String,
    pub(in crate::cli) created_at: u64,
    pub(in crate::cli) updated_at: u64,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct TaskError {
    pub(in crate::cli) code: String,
    pub(in crate::cli) message: String,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Message {
    pub(in crate::cli) id: u64,
    #[serde(default)]
    pub(in crate::cli) role: String,
    pub(in crate::cli) source: Option<String>,
    pub(in crate::cli) content: String,
    pub(in crate::cli) created_at: u64,
}

impl Task {
    /// Whether nothing more will come.
    pub(in crate::cli) fn is_final(&self) -> bool {
        is_final(&self.status)
    }

    /// Pairs of agent and answer. A task for one agent has one answer, without a name.
    pub(in crate::cli) fn answers(&self) -> Vec<(Option<&str>, String)> {
        match &self.result {
            Value::Null => Vec::new(),
            Value::Object(all) => all.iter().map(|(id, text)| (Some(&**id), words(text))).collect(),
            one => vec![(None, words(one))],
        }
    }
}

/// Of a task's status.
pub(in crate::cli) fn is_final(status: &str) -> bool {
    matches!(status, "completed" | "failed" | "cancelled")
}

/// A text as it is, why an agent failed, anything else as JSON.
fn words(value: &Value) -> String {
    match (value, value["error"]["message"].as_str()) {
        (Value::String(text), _) => text.clone(),
        (_, Some(why)) => format!("failed: {why}"),
        _ => format!("{value:#}"),
    }
}
