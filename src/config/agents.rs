//! The agent side of the configuration.

use http::Uri;

/// Agents that rules may name without configuring them.
pub const BUILTIN_AGENTS: [&str; 5] = ["claude-code", "codex", "gemini", "openclaw", "aider"];

/// Which agent gets which task. Every agent named here is configured or built in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// `defaultAgent`: who gets a task that no rule matches.
    pub default_agent: Option<String>,
    /// `rules`, in file order; their names are unique.
    pub rules: Vec<Rule>,
}

/// One rule: a task that mentions a keyword goes to these agents.
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

/// Who gets the task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// This agent. The default.
    Single(String),
    /// Each of these agents; at least one.
    Broadcast(Vec<String>),
}

/// One configured agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// `id`.
    pub id: String,
    /// `name`, for people. Default: the id.
    pub name: String,
    /// `type`, with what that type needs.
    pub kind: AgentKind,
    /// `capabilities`, for people and for choosing.
    pub capabilities: Vec<String>,
}

/// How an agent is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentKind {
    /// `claude-code`: the Claude Code program.
    ClaudeCode,
    /// `openclaw`: the OpenClaw program.
    Openclaw,
    /// `codex`: the Codex program.
    Codex,
    /// `process`: any program.
    Process {
        /// `command`: what to run.
        command: String,
        /// `args`, before the task.
        args: Vec<String>,
    },
    /// `http`: a service.
    Http {
        /// `endpoint`: absolute `http` or `https`.
        endpoint: Uri,
    },
}
