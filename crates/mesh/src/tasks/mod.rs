//! Tasks for agents: queue, runs, results.
//!
//! A task is accepted when it is on disk; from then on it is done, or says why it is not, whatever
//! becomes of the client or of this process. It is given to the agent that it names, else by the
//! `routing` rules ([`keywords`](switchtower_config::Rule::keywords) are whole words, with English
//! endings allowed, and in scripts without spaces any part of the text), else to
//! `routing.defaultAgent`, else to any that is online.
//!
//! A task may name a directory, `cwd`: agents that are programs start there, each one of a
//! broadcast, also after a restart. A directory that is gone by then fails the task. It grants no
//! rights: a client that may submit tasks (with client keys: the scope `agents`) runs agents as the
//! gateway's user anyway.
//!
//! A broadcast gives it to each of several agents. It ends when all have; it is completed when any
//! of them has answered, and its result has `{"error": ...}` for those that failed.
//!
//! A task that runs when the gateway stops fails; one that waits goes on waiting in the next
//! process. Each step is on disk before its event is published.
//!
//! | what is bounded | to |
//! |---|---|
//! | agents at work at a time | `tasks.slots`: 4 |
//! | the same agent at work at a time | its `max_concurrent`: all slots |
//! | tasks that wait | `tasks.queue`: 1000 |
//! | the time an agent may take | `options.timeout`, the agent's `timeout`, `tasks.timeout`: 600 s |
//! | what is kept of an answer | `tasks.output_limit_kb`: 1024 |
//! | finished tasks that are kept | `tasks.keep`: 10 000, and 256 MiB |
//! | what an agent is shown of the task's space | 20 messages, 16 KiB |

mod journal;
mod keyword;
mod prompt;
mod queue;
mod routing;
mod run;
mod scheduler;
mod state;
mod store;
mod submission;
mod view;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinError;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use super::agents::Stream;
pub use routing::NoAgent;
pub use store::Page;
pub(super) use store::SCHEMA;
pub use submission::{Accepted, CancelError, Submission, SubmitError};
pub use view::{TaskError, TaskStatus, TaskView};

use super::agents::{Fault, Output, Summary, Work};
use super::{database::Database, events::Events, spaces::Spaces};
use journal::{Journal, Tell};
use queue::{Caps, Queue};
use scheduler::Scheduler;
use switchtower_config::{Agent, Config, Routing, TasksConfig};

/// Runs tasks.
pub trait Runner: Send + Sync {
    /// All agents, in the order in which they are preferred.
    fn agents(&self) -> Vec<Summary>;

    /// Has an agent do it. Dropping the future ends the agent, too.
    fn run(&self, work: Work) -> Running;
}

/// An agent at work.
pub type Running = Pin<Box<dyn Future<Output = Result<Output, Fault>> + Send>>;

/// The tasks. A handle: clones share them. When the last is gone, what runs is ended.
#[derive(Clone)]
pub struct Tasks {
    scheduler: Arc<Scheduler>,
    _alive: Arc<DropGuard>,
}

/// How much there may be of everything.
struct Settings {
    slots: usize,
    caps: Caps,
    queue: usize,
    output_limit: usize,
    keep: usize,
}

impl Settings {
    fn of(config: &Config) -> Self {
        let TasksConfig { slots, queue, output_limit, keep, .. } = config.tasks;
        let cap = |agent: &Agent| Some((agent.id.clone(), agent.max_concurrent?));
        let caps = config.agents.iter().filter_map(cap).collect();
        Self { slots, caps, queue, output_limit, keep }
    }
}

impl Tasks {
    /// Tasks with this configuration. Does not touch the disk, and runs nothing until
    /// [`start`](Self::start).
    #[must_use]
    pub fn new(
        config: &Arc<Config>,
        database: Database,
        runner: Arc<dyn Runner>,
        spaces: Spaces,
        events: Events,
    ) -> Self {
        let tell: Tell = Arc::new(move |event, task, space| {
            events.publish(event, Some(task), space);
        });
        let (settings, routing) = (Settings::of(config), config.routing.clone());
        Self::with(settings, routing, database, runner, spaces, tell)
    }

    fn with(
        settings: Settings,
        routing: Routing,
        database: Database,
        runner: Arc<dyn Runner>,
        spaces: Spaces,
        tell: Tell,
    ) -> Self {
        let stop = CancellationToken::new();
        let scheduler = Scheduler {
            journal: Journal::new(database, tell, settings.keep),
            runner,
            spaces,
            output_limit: AtomicUsize::new(settings.output_limit),
            routing: Mutex::new(Arc::new(routing)),
            queue: Mutex::new(Queue::new(settings.slots, settings.queue, settings.caps)),
            woken: Notify::new(),
            stop: stop.clone(),
            dispatcher: Mutex::new(None),
        };
        Self { scheduler: Arc::new(scheduler), _alive: Arc::new(stop.drop_guard()) }
    }

    /// Goes on by another configuration: its rules and bounds count for what comes next. Tasks that
    /// were accepted stay, with the agents that they were assigned to.
    pub fn reconfigure(&self, config: &Config) {
        self.apply(Settings::of(config), config.routing.clone());
    }

    fn apply(&self, settings: Settings, routing: Routing) {
        let Settings { slots, caps, queue, output_limit, keep } = settings;
        let scheduler = &self.scheduler;
        *scheduler.routing.lock() = Arc::new(routing);
        scheduler.output_limit.store(output_limit, Ordering::Relaxed);
        scheduler.journal.keep(keep);
        scheduler.queue.lock().reconfigure(slots, queue, caps);
        scheduler.woken.notify_one();
    }

    /// Takes up what the last process left: what ran then has failed, and what waited is next.
    pub async fn start(&self) {
        self.scheduler.start().await;
    }

    /// Takes no more, and ends those that run: they have failed. Waits for their agents to end, but
    /// not for long.
    pub async fn stop(&self) {
        self.scheduler.stop().await;
    }

    /// Accepts a task. It is on disk then.
    ///
    /// # Errors
    ///
    /// Fails when no agent is available, its space does not exist, the queue is full, the gateway
    /// is shutting down, or the database does not work.
    pub async fn submit(&self, submission: Submission) -> Result<Accepted, SubmitError> {
        // A client that goes away in the middle leaves no half of a task.
        let accepted = tokio::spawn(self.scheduler.clone().accept(submission)).await;
        accepted.unwrap_or_else(|error| ended(error, SubmitError::Stopping))
    }

    /// Takes a task back. It is cancelled at once, its agents soon. One that is cancelled already
    /// stays so.
    ///
    /// # Errors
    ///
    /// When there is no such task, it has ended otherwise, or the database does not work.
    pub async fn cancel(&self, id: &str) -> Result<TaskView, CancelError> {
        let cancelled = tokio::spawn(self.scheduler.clone().cancel(id.to_owned())).await;
        cancelled.unwrap_or_else(|error| ended(error, CancelError::Unknown))
    }

    /// One task by its id.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn get(&self, id: &str) -> Result<Option<TaskView>, super::database::Error> {
        Ok(self.scheduler.journal.get(id).await?.map(|task| task.view()))
    }

    /// Some of them, newest first. A page has at most 8 MiB and a task more, so it may be shorter
    /// than its limit, but none before the last is empty.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn list(&self, page: Page) -> Result<Vec<TaskView>, super::database::Error> {
        let tasks = self.scheduler.journal.list(page).await?;
        Ok(tasks.iter().map(store::Task::view).collect())
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("journal", &self.scheduler.journal).finish_non_exhaustive()
    }
}

/// A panic goes on; else the runtime ends.
fn ended<T, E>(error: JoinError, otherwise: E) -> Result<T, E> {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Err(otherwise),
    }
}

#[cfg(test)]
mod tests;
