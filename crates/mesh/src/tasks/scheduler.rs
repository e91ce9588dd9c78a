//! Takes tasks in, and has agents do them, so many at a time.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Runner;
use super::journal::Journal;
use super::queue::{NoPlace, Queue, Ticket};
use super::routing::route;
use super::run::Run;
use super::state::{Phase, Step, TaskState};
use super::store::Task;
use super::submission::{Accepted, CancelError, Submission, SubmitError};
use super::view::{TaskStatus, TaskView};
use crate::spaces::{NewMessage, Spaces};
use switchtower_config::Routing;
use switchtower_platform::clock::now;

/// Interval before a failed write is retried.
const WRITE_RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Shutdown timeout for agents; longer than their own termination timeout.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
const STOPPED: &str = "the gateway stopped";
const STOPPED_BEFORE: &str = "the gateway stopped while it ran";

/// What is shared by all that work on tasks.
pub(super) struct Scheduler {
    pub(super) journal: Journal,
    pub(super) runner: Arc<dyn Runner>,
    pub(super) spaces: Spaces,
    /// What is kept of an answer, in bytes.
    pub(super) output_limit: AtomicUsize,
    pub(super) routing: Mutex<Arc<Routing>>,
    pub(super) queue: Mutex<Queue>,
    /// Something was put into the queue or taken out, or its bounds have changed.
    pub(super) woken: Notify,
    pub(super) stop: CancellationToken,
    pub(super) dispatcher: Mutex<Option<JoinHandle<()>>>,
}

impl Scheduler {
    pub(super) async fn start(self: &Arc<Self>) {
        match self.journal.stop_running(STOPPED_BEFORE).await {
            Ok(stopped) => self.say_why(stopped, STOPPED_BEFORE).await,
            Err(error) => tracing::error!("cannot take up the tasks: {error}"),
        }
        match self.journal.waiting().await {
            Ok(waiting) => {
                let mut queue = self.queue.lock();
                for (task, agents) in waiting {
                    queue.push_again(&task, agents);
                }
            }
            Err(error) => tracing::error!("cannot take up the tasks that wait: {error}"),
        }
        let mut dispatcher = self.dispatcher.lock();
        if dispatcher.is_none() {
            *dispatcher = Some(tokio::spawn(self.clone().dispatch()));
        }
    }

    pub(super) async fn stop(&self) {
        self.queue.lock().close();
        self.stop.cancel();
        match self.journal.stop_running(STOPPED).await {
            Ok(stopped) => self.say_why(stopped, STOPPED).await,
            Err(error) => tracing::error!("cannot write down which tasks were stopped: {error}"),
        }
        let dispatcher = self.dispatcher.lock().take();
        if let Some(dispatcher) = dispatcher {
            let _ = dispatcher.await;
        }
    }

    /// Gives slots to the next in the queue, until the end.
    async fn dispatch(self: Arc<Self>) {
        let mut runs = JoinSet::new();
        while !self.stop.is_cancelled() {
            while let Some(ticket) = self.next() {
                let run = Run { scheduler: self.clone(), slot: Slot(self.clone(), ticket) };
                runs.spawn(run.run());
            }
            tokio::select! {
                () = self.woken.notified() => {}
                Some(_) = runs.join_next() => {}
                () = self.stop.cancelled() => {}
            }
        }
        // They were asked to stop when the queue was closed. Without that, no handle is left, and
        // they end at once.
        if self.queue.lock().is_closed() {
            let _ = timeout(SHUTDOWN_TIMEOUT, async { while runs.join_next().await.is_some() {} })
                .await;
        }
        runs.shutdown().await;
    }

    fn next(&self) -> Option<Ticket> {
        self.queue.lock().pop()
    }

    pub(super) async fn accept(self: Arc<Self>, spec: Submission) -> Result<Accepted, SubmitError> {
        let routing = { self.routing.lock().clone() };
        let assignment = route(&spec.text, spec.target.as_deref(), &routing, &self.runner.agents())
            .map_err(SubmitError::NoAgent)?;
        if let Some(space) = &spec.space
            && !self.spaces.exists(space).await?
        {
            return Err(SubmitError::NoSpace(space.clone()));
        }
        let place = Reservation::reserve(&self)?;
        let (id, now) = (format!("task_{}", Uuid::now_v7().simple()), now());
        let agents = assignment.agents;
        let state = TaskState::new(&agents, assignment.is_broadcast, now);
        let reason = assignment.reason;
        let accepted =
            Accepted { task_id: id.clone(), agents: agents.clone(), reason: reason.clone() };
        let asked = spec.space.clone().map(|space| {
            let source = spec.source.clone();
            (space, said("user", source, &id, spec.text.clone()))
        });
        let task = Task { id: id.clone(), spec, state, reason, created_at: now };
        self.journal.insert(task).await?;
        if let Some((space, message)) = asked {
            self.say(&space, message).await;
        }
        // Somebody may have cancelled it already.
        if let Some((_, true)) = self.write(&id, Step::Assigned, CancellationToken::new()).await {
            place.fill(&id, agents);
        }
        Ok(accepted)
    }

    pub(super) async fn cancel(self: Arc<Self>, id: String) -> Result<TaskView, CancelError> {
        let step = self.journal.step(&id, Step::Cancelled).await?;
        let (task, _) = step.ok_or(CancelError::Unknown)?;
        if task.state.status != TaskStatus::Cancelled {
            return Err(CancelError::Ended(task.state.status));
        }
        self.queue.lock().cancel(&id);
        Ok(task.view())
    }

    /// Tries until it is written down, or the gateway stops. As long as the database does not
    /// work, nothing else would be.
    pub(super) async fn write(
        &self,
        id: &str,
        step: Step,
        unless: CancellationToken,
    ) -> Option<(Task, bool)> {
        let mut is_said = false;
        loop {
            match self.journal.step_unless(id, step.clone(), unless.clone()).await {
                Ok(written) => return written,
                Err(_) if is_said => {}
                Err(error) => tracing::error!(task = id, "cannot write the task: {error}"),
            }
            is_said = true;
            tokio::select! {
                () = sleep(WRITE_RETRY_INTERVAL) => {}
                () = self.stop.cancelled() => return None,
            }
        }
    }

    /// In the task's space. A space that does not take it is no reason to give up the task.
    pub(super) async fn say(&self, space: &str, message: NewMessage) {
        match self.spaces.append(space, message).await {
            Ok(Some(_)) => {}
            Ok(None) => tracing::warn!(space, "the task's space did not take a message"),
            Err(error) => tracing::warn!(space, "cannot add to the task's space: {error}"),
        }
    }

    /// In the spaces of tasks that were stopped.
    async fn say_why(&self, stopped: Vec<Task>, why: &str) {
        for task in stopped {
            let Some(space) = &task.spec.space else { continue };
            for run in &task.state.runs {
                if matches!(run.phase, Phase::Waiting | Phase::Running) {
                    let agent = Some(run.agent.clone());
                    self.say(space, said("agent", agent, &task.id, format!("failed: {why}"))).await;
                }
            }
        }
    }
}

/// A message of this task.
pub(super) fn said(role: &str, source: Option<String>, task: &str, content: String) -> NewMessage {
    let (role, task_id) = (role.to_owned(), Some(task.to_owned()));
    NewMessage { role, source, task_id, content, metadata: json!({}) }
}

/// A place in the queue, given back unless it is filled.
struct Reservation<'a>(&'a Scheduler);

impl<'a> Reservation<'a> {
    fn reserve(scheduler: &'a Scheduler) -> Result<Self, SubmitError> {
        scheduler.queue.lock().reserve().map_err(|why| match why {
            NoPlace::Full => SubmitError::Full,
            NoPlace::Closed => SubmitError::Stopping,
        })?;
        Ok(Self(scheduler))
    }

    fn fill(self, task: &str, agents: Vec<String>) {
        self.0.queue.lock().push(task, agents);
        self.0.woken.notify_one();
        std::mem::forget(self);
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.0.queue.lock().release();
    }
}

/// A slot, released on drop, however the run ended.
pub(super) struct Slot(Arc<Scheduler>, pub(super) Ticket);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.queue.lock().done(&self.1);
        self.0.woken.notify_one();
    }
}
