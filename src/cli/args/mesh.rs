//! The commands that talk to a running gateway.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::FileArgs;

pub(super) const TASK: &str = "\
What the agent answers goes to stdout; in a pipe nothing else does. Ctrl-C offers to cancel the task.
The status is 1 when it failed or was cancelled, and 130 after Ctrl-C.

Examples:
  switchtower task \"review the last commit\"
  git diff | switchtower task - --timeout 300 > review.md
  switchtower task \"explain these\" --file src/main.rs --file Cargo.toml
  switchtower task \"run the tests\" --cwd ~/projects/parser
";

pub(super) const TO: &str = "\
Example:
  switchtower to codex \"write a test for src/main.rs\"
";

pub(super) const TASKS: &str = "\
Examples:
  switchtower tasks --status running
  switchtower tasks task_0192c7e1
  switchtower tasks cancel task_0192c7e1
";

pub(super) const AGENTS: &str = "\
Example:
  switchtower agents --json
";

pub(super) const SPACE: &str = "\
Examples:
  id=$(switchtower space new --name \"the parser\")
  switchtower task \"find what is slow in the parser\" --space \"$id\"
  switchtower space show \"$id\"
  switchtower space search \"$id\" \"slow\"
";

pub(super) const EVENTS: &str = "\
Example:
  switchtower events --task task_0192c7e1
";

pub(super) const HEALTH: &str = "\
Examples:
  switchtower health && echo something can be used
  switchtower health --live || echo it does not run
";

pub(super) const QUOTA: &str = "\
Example:
  switchtower quota --json
";

#[derive(Args, Debug)]
pub(in crate::cli) struct GatewayArgs {
    #[command(flatten)]
    pub(in crate::cli) file: FileArgs,
    /// Where the gateway is [default: $SWITCHTOWER_URL, else where the configuration says it
    /// listens]; where it asks for a client key, that of $SWITCHTOWER_API_KEY is sent
    #[arg(long, value_hint = ValueHint::Url)]
    pub(in crate::cli) url: Option<String>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ShowArgs {
    #[command(flatten)]
    pub(in crate::cli) gateway: GatewayArgs,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct HealthArgs {
    #[command(flatten)]
    pub(in crate::cli) show: ShowArgs,
    /// Only whether the gateway answers, which needs no client key
    #[arg(long)]
    pub(in crate::cli) live: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct TaskArgs {
    /// What to do; read from stdin when it is - or left out
    pub(in crate::cli) text: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) options: TaskOptions,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ToArgs {
    /// The agent's id, as `switchtower agents` lists it
    pub(in crate::cli) agent: String,
    #[command(flatten)]
    pub(in crate::cli) task: TaskArgs,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct TaskOptions {
    #[command(flatten)]
    pub(in crate::cli) gateway: GatewayArgs,
    /// Space for the task and its result
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) space: Option<String>,
    /// A file that it is about; can be given more than once
    #[arg(long = "file", value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// The directory that the agent works in, on the gateway's machine [default: this one, if the
    /// gateway is on loopback, else the gateway's own]; absolute for a gateway elsewhere
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) cwd: Option<PathBuf>,
    /// How long the agent may take, in seconds
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) timeout: Option<u64>,
    /// Print each event as a line of JSON, and the task as the last one
    #[arg(long, conflicts_with = "detach")]
    pub(in crate::cli) json: bool,
    /// Print the task's id, and do not wait
    #[arg(long)]
    pub(in crate::cli) detach: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct TasksArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<TasksCommand>,
    /// Show this one, with what came of it
    pub(in crate::cli) id: Option<String>,
    /// Only those that stand like this
    #[arg(long, conflicts_with = "id")]
    pub(in crate::cli) status: Option<Status>,
    /// How many, the newest first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub(in crate::cli) limit: u16,
    #[command(flatten)]
    pub(in crate::cli) show: ShowArgs,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TasksCommand {
    /// End a task early
    Cancel {
        /// The task's id
        id: String,
        #[command(flatten)]
        show: ShowArgs,
    },
}

/// How a task stands.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum Status {
    Pending,
    Assigned,
    Running,
    Completed,
    Failed,
    Cancelled,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SpaceCommand {
    /// Make one, and print its id
    New {
        /// What it is called: its metadata's `name`
        #[arg(long, value_name = "TEXT", conflicts_with = "metadata")]
        name: Option<String>,
        /// Anything that is to be kept with it: a JSON object
        #[arg(long, value_name = "JSON")]
        metadata: Option<String>,
        #[command(flatten)]
        show: ShowArgs,
    },
    /// Show what is in it, and its last messages
    Show {
        /// The space's id
        id: String,
        #[command(flatten)]
        show: ShowArgs,
    },
    /// Search its messages
    Search {
        /// The space's id
        id: String,
        /// The words to look for
        words: String,
        #[command(flatten)]
        show: ShowArgs,
    },
}

#[derive(Args, Debug)]
pub(in crate::cli) struct EventsArgs {
    /// Only those of this task
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) task: Option<String>,
    /// Only those of this space
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) space: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) show: ShowArgs,
}
