//! The agent side of the configuration.

use std::time::Duration;

use http::Uri;
use indexmap::IndexMap;

use super::{Program, Secret};

/// Agents that rules may name without configuring them.
pub const BUILTIN_AGENTS: [&str; 5] = ["claude-code", "codex", "gemini", "openclaw", "aider"];

/// Which agent gets which task. Every agent named here is configured or built in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// `defaultAgent`: the agent for tasks that no rule matches.
    pub default_agent: Option<String>,
    /// `rules`, in file order; their names are unique.
    pub rules: Vec<Rule>,
}

/// A routing rule: a task that mentions a keyword goes to these agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `name`.
    pub name: String,
    /// `keywords`: any of them matches. None is empty.
    pub keywords: Vec<String>,
    /// `strategy` with its `agent` or `agents`.
    pub strategy: Strategy,
    /// `priority`: of the matching rules the highest wins. Default 0.
    pub priority: i64,
}

/// Selects the agent of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// This agent. The default.
    Single(String),
    /// Each of these agents; at least one.
    Broadcast(Vec<String>),
}

/// A configured agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// `id`, see [`agent_id`].
    pub id: String,
    /// `name`, for people. Default: the id.
    pub name: String,
    /// `type`, with what that type needs.
    pub kind: AgentKind,
    /// `capabilities`, for people and for choosing.
    pub capabilities: Vec<String>,
    /// `env`: what is in a program's environment besides the little that all have. Default nothing.
    pub env: IndexMap<String, Secret>,
    /// `timeout`: how long a task may take, in whole seconds. Default that of `tasks`.
    pub timeout: Option<Duration>,
    /// `max_concurrent`: how many tasks it is at work on at a time. 1 to 256. Default as many as
    /// there are `slots`.
    pub max_concurrent: Option<usize>,
}

/// The transport of an agent. `command`, `args` and `input` say how a program is run; where they
/// are left out, as its [`Program`] is usually run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentKind {
    /// `claude-code`: the Claude Code program.
    ClaudeCode(Program),
    /// `openclaw`: the OpenClaw program.
    Openclaw(Program),
    /// `codex`: the Codex program.
    Codex(Program),
    /// `process`: any program. Its `command` is required.
    Process(Program),
    /// `http`: a service.
    Http {
        /// `endpoint`: absolute `http` or `https`, on this machine unless `allow_remote_agents`.
        endpoint: Uri,
    },
}

/// Whether an agent may be called that: 1 to 64 letters, digits, `.`, `_` and `-`, the first of them
/// no `.` and no `-`; and not `gateway`, which as a task's target means that the rules decide.
///
/// # Errors
///
/// Says why not.
pub fn agent_id(id: &str) -> Result<(), &'static str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match id {
        "gateway" => Err("`gateway` is no agent: as a task's target it lets the rules decide"),
        _ if id.is_empty() || id.len() > 64 => Err("an agent's id has 1 to 64 characters"),
        _ if !id.chars().all(is_plain) => {
            Err("an agent's id has only letters, digits, `.`, `_` and `-`")
        }
        _ if id.starts_with(['.', '-']) => {
            Err("an agent's id begins with a letter, a digit or `_`")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_fit_into_paths_and_commands() {
        for id in ["a", "claude-code", "_x", "7", "my.agent_2", &"x".repeat(64)] {
            assert_eq!(agent_id(id), Ok(()), "{id}");
        }
        for id in ["", ".", "..", "-p", "a b", "a/b", "é", "gateway", &"x".repeat(65)] {
            assert!(agent_id(id).is_err(), "{id}");
        }
        assert!(BUILTIN_AGENTS.iter().all(|id| agent_id(id).is_ok()));
    }
}
