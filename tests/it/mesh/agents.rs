//! Agents: how they are run, watched and registered.

// All of it runs in tests only; clippy sees that of test functions alone.
#![allow(clippy::unwrap_used)]

mod endpoint;
mod leftovers;
mod program;
mod reconfigured;
mod status;
mod wire;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use switchtower::config::{Config, Env};
use switchtower::mesh::agents::{Agents, Fault, Output, Stream, Work};
use switchtower::mesh::database::Database;
use switchtower::mesh::events::Events;
use switchtower::mesh::tasks::Runner;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

/// Agents without a gateway around them.
struct Rig {
    agents: Agents,
    events: Events,
    home: TempDir,
}

impl Rig {
    async fn start(yaml: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), yaml).await
    }

    async fn start_in(home: TempDir, yaml: &str) -> Self {
        let (database, events) = (Database::new(home.path()), Events::new());
        let agents = Agents::new(&config(yaml), database, events.clone());
        agents.start().await;
        Self { agents, events, home }
    }

    async fn reconfigure(&self, yaml: &str) {
        self.agents.reconfigure(&config(yaml), || {}).await;
    }

    /// With one agent, `a`, that is this shell script; its settings come behind.
    async fn script(script: &str, settings: &str) -> Self {
        let args = serde_json::json!(["-c", script, "agent"]);
        let agent = format!("{{id: a, type: process, command: sh, args: {args}{settings}}}");
        Self::start(&format!("agents: [{agent}]")).await
    }

    /// Has `a` do it.
    async fn run(&self, text: &str) -> Result<Output, Fault> {
        let job = Job::new(text);
        let result = self.agents.run(job.work).await;
        assert_eq!(left(&job.task), Vec::<String>::new());
        result
    }

    /// What becomes of it, when that is an answer.
    async fn answer(&self, text: &str) -> String {
        self.run(text).await.expect("an answer").text
    }

    /// What becomes of it, when that is none.
    async fn failure(&self, text: &str) -> String {
        match self.run(text).await {
            Err(Fault::Failed(message)) => message,
            other => panic!("it has not failed: {other:?}"),
        }
    }
}

fn config(yaml: &str) -> Arc<Config> {
    let config = Config::from_yaml("test.yaml", yaml, &Env::empty());
    Arc::new(config.unwrap_or_else(|error| panic!("{error}")))
}

/// What an agent is asked to do, and what it says to that.
struct Job {
    task: String,
    cancel: CancellationToken,
    said: UnboundedReceiver<(Stream, String)>,
    work: Work,
}

impl Job {
    fn new(text: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let task = format!("task_{}_{number}", std::process::id());
        let cancel = CancellationToken::new();
        let (say, said) = unbounded_channel();
        let work = Work {
            agent: "a".into(),
            task: task.clone(),
            text: text.into(),
            timeout: None,
            cwd: None,
            progress: Box::new(move |stream, text| drop(say.send((stream, text)))),
            cancel: cancel.clone(),
        };
        Self { task, cancel, said, work }
    }

    fn within(mut self, timeout: Duration) -> Self {
        self.work.timeout = Some(timeout);
        self
    }
}

/// The processes that a task has left, as `ps` would name them.
fn left(task: &str) -> Vec<String> {
    let mark = format!("SWITCHTOWER_TASK_ID={task}");
    let mut left = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.split(|&byte| byte == 0).any(|one| one == mark.as_bytes()) {
            let name = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            left.push(name.replace('\0', " "));
        }
    }
    left
}
