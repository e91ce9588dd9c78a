//! Persists changes of tasks, and then publishes them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_util::sync::CancellationToken;

use super::state::{Change, Step};
use super::store::{self, Page, Task};
use super::view::TaskStatus;
use crate::database::{Database, Error};
use crate::events::Event;
use switchtower_platform::clock::now;

/// Hears of everything that was written down: the event, the task and its space.
pub(super) type Tell = Arc<dyn Fn(&Event, &str, Option<&str>) + Send + Sync>;

/// The tasks on disk. Events are published after their commit, in the same order, by the thread
/// that owns the database. A handle: clones share it.
#[derive(Clone)]
pub(super) struct Journal {
    database: Database,
    tell: Tell,
    keep: Arc<AtomicUsize>,
}

impl Journal {
    /// Of the finished ones the last `keep` are kept.
    pub(super) fn new(database: Database, tell: Tell, keep: usize) -> Self {
        Self { database, tell, keep: Arc::new(AtomicUsize::new(keep.max(1))) }
    }

    /// Counts when the next one is finished.
    pub(super) fn keep(&self, keep: usize) {
        self.keep.store(keep.max(1), Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn database(&self) -> Database {
        self.database.clone()
    }

    /// Publishes an event that is not persisted.
    pub(super) fn mention(&self, event: &Event, task: &str, space: Option<&str>) {
        (self.tell)(event, task, space);
    }

    pub(super) async fn insert(&self, task: Task) -> Result<(), Error> {
        let tell = self.tell.clone();
        let write = move |connection: &mut rusqlite::Connection| {
            store::insert(connection, &task)?;
            let (task_id, space) = (task.id.clone(), task.spec.space.clone());
            let source = task.spec.source.clone();
            let event = Event::TaskSubmitted { task_id, source, space_id: space.clone() };
            tell(&event, &task.id, space.as_deref());
            Ok(())
        };
        self.database.call(write).await
    }

    /// The task as it is then, and whether the step changed it; none if there is no such task.
    pub(super) async fn step(&self, id: &str, step: Step) -> Result<Option<(Task, bool)>, Error> {
        self.step_unless(id, step, CancellationToken::new()).await
    }

    /// The same, but a step that is cancelled before its turn changes nothing.
    pub(super) async fn step_unless(
        &self,
        id: &str,
        step: Step,
        cancel: CancellationToken,
    ) -> Result<Option<(Task, bool)>, Error> {
        if !self.database.exists() {
            return Ok(None);
        }
        let (journal, id) = (self.clone(), id.to_owned());
        let write = move |connection: &mut rusqlite::Connection| {
            if cancel.is_cancelled() {
                return Ok(store::load(connection, &id)?.map(|task| (task, false)));
            }
            journal.write(connection, &id, step)
        };
        self.database.call(write).await
    }

    fn write(
        &self,
        connection: &mut rusqlite::Connection,
        id: &str,
        step: Step,
    ) -> rusqlite::Result<Option<(Task, bool)>> {
        let transaction = connection.transaction()?;
        let Some(mut task) = store::load(&transaction, id)? else { return Ok(None) };
        let Some(change) = task.state.apply(step, now()) else { return Ok(Some((task, false))) };
        store::update(&transaction, &task)?;
        if task.state.status.is_final() {
            store::prune(&transaction, self.keep.load(Ordering::Relaxed), id)?;
        }
        transaction.commit()?;
        if let Some(event) = event(change, &task) {
            (self.tell)(&event, id, task.spec.space.as_deref());
        }
        Ok(Some((task, true)))
    }

    /// Fails all that run. They are given back.
    pub(super) async fn stop_running(&self, why: &'static str) -> Result<Vec<Task>, Error> {
        if !self.database.exists() {
            return Ok(Vec::new());
        }
        let journal = self.clone();
        let write = move |connection: &mut rusqlite::Connection| {
            let mut stopped = Vec::new();
            for id in store::ids(connection, TaskStatus::Running)? {
                let step = Step::Stopped(why.to_owned());
                stopped.extend(journal.write(connection, &id, step)?.map(|(task, _)| task));
            }
            Ok(stopped)
        };
        self.database.call(write).await
    }

    /// All that wait, in the order of acceptance, each with its agents. They are all assigned then.
    pub(super) async fn waiting(&self) -> Result<Vec<(String, Vec<String>)>, Error> {
        if !self.database.exists() {
            return Ok(Vec::new());
        }
        let journal = self.clone();
        let read = move |connection: &mut rusqlite::Connection| {
            for id in store::ids(connection, TaskStatus::Pending)? {
                journal.write(connection, &id, Step::Assigned)?;
            }
            let mut waiting = Vec::new();
            for id in store::ids(connection, TaskStatus::Assigned)? {
                let agents = store::load(connection, &id)?.map(|task| task.agents());
                waiting.push((id, agents.unwrap_or_default()));
            }
            Ok(waiting)
        };
        self.database.call(read).await
    }

    pub(super) async fn get(&self, id: &str) -> Result<Option<Task>, Error> {
        if !self.database.exists() {
            return Ok(None);
        }
        let id = id.to_owned();
        self.database.call(move |connection| store::load(connection, &id)).await
    }

    pub(super) async fn list(&self, page: Page) -> Result<Vec<Task>, Error> {
        if !self.database.exists() {
            return Ok(Vec::new());
        }
        self.database.call(move |connection| store::list(connection, &page)).await
    }
}

fn event(change: Change, task: &Task) -> Option<Event> {
    let task_id = task.id.clone();
    Some(match change {
        Change::Assigned => {
            Event::TaskAssigned { task_id, agents: task.agents(), reason: task.reason.clone() }
        }
        Change::Started(agent_id) => Event::TaskStarted { task_id, agent_id },
        Change::Part => return None,
        Change::Completed => Event::TaskCompleted { task_id, result: task.state.result() },
        Change::Failed => Event::TaskFailed { task_id, error: task.state.error()? },
        Change::Cancelled => Event::TaskCancelled { task_id },
    })
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("keep", &self.keep).finish_non_exhaustive()
    }
}
