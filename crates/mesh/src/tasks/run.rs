//! Runs one task with one agent.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::prompt::{MESSAGES, compose, cut};
use super::scheduler::{Scheduler, Slot, said};
use super::state::Step;
use super::store::Task;
use crate::agents::{Fault, Stream, Work};
use crate::events::Event;
use crate::spaces::Message;

/// What is kept of why an agent failed, in bytes.
const FAULT_BYTES: usize = 16 << 10;
/// The note where something is left out of an answer takes some more.
const NOTE: usize = 1 << 10;

pub(super) struct Run {
    pub(super) scheduler: Arc<Scheduler>,
    /// Held to the end.
    pub(super) slot: Slot,
}

impl Run {
    pub(super) async fn run(self) {
        let ticket = &self.slot.1;
        let begin = Step::Started(ticket.agent.clone());
        let begun = self.scheduler.write(&ticket.task, begin, ticket.cancel.clone()).await;
        // It may have been cancelled meanwhile.
        let Some((task, true)) = begun else { return };
        let result = self.ask(&task).await;
        if let Some(space) = &task.spec.space
            && !ticket.cancel.is_cancelled()
        {
            let content = match &result {
                Ok(answer) => answer.clone(),
                Err(fault) => format!("failed: {fault}"),
            };
            let message = said("agent", Some(ticket.agent.clone()), &task.id, content);
            self.scheduler.say(space, message).await;
        }
        let end = Step::Ended(ticket.agent.clone(), result);
        self.scheduler.write(&task.id, end, CancellationToken::new()).await;
    }

    async fn ask(&self, task: &Task) -> Result<String, String> {
        let (scheduler, agent) = (&self.scheduler, &self.slot.1.agent);
        if !scheduler.runner.agents().iter().any(|known| known.id == *agent) {
            return Err(format!("there is no agent `{agent}`"));
        }
        let output_limit = scheduler.output_limit.load(Ordering::Relaxed);
        let before = self.said_before(task).await;
        let work = self.work(task, compose(&task.spec.text, &task.spec.files, &before));
        // Alone, so that a panic is this agent's only; the set ends it when this is dropped.
        let (runner, mut alone) = (scheduler.runner.clone(), JoinSet::new());
        alone.spawn(async move { runner.run(work).await });
        match alone.join_next().await {
            Some(Ok(Ok(output))) => Ok(cut(&output.text, output_limit + NOTE)),
            Some(Ok(Err(Fault::Failed(message)))) => Err(cut(&message, FAULT_BYTES)),
            Some(Ok(Err(Fault::Cancelled))) => Err("it was cancelled".into()),
            Some(Err(_)) | None => Err(format!("the gateway has a fault: running `{agent}` broke")),
        }
    }

    /// Without what belongs to this task itself, of which other agents may have said something.
    async fn said_before(&self, task: &Task) -> Vec<Message> {
        let Some(space) = &task.spec.space else { return Vec::new() };
        let limit = MESSAGES + 1 + task.state.runs.len();
        let recent = self.scheduler.spaces.recent(space, limit).await;
        let mut recent = recent.unwrap_or_else(|error| {
            tracing::warn!(space, "cannot read the task's space: {error}");
            Vec::new()
        });
        recent.retain(|message| message.task_id.as_ref() != Some(&task.id));
        recent
    }

    fn work(&self, task: &Task, text: String) -> Work {
        let ticket = self.slot.1.clone();
        let (journal, cancel) = (self.scheduler.journal.clone(), ticket.cancel.clone());
        let (id, agent) = (ticket.task.clone(), ticket.agent.clone());
        let (space, is_told) = (task.spec.space.clone(), task.spec.stream);
        let progress = move |stream: Stream, text: String| {
            if is_told && !cancel.is_cancelled() {
                let (task_id, agent_id) = (id.clone(), agent.clone());
                let event = Event::TaskProgress { task_id, agent_id, stream, text };
                journal.mention(&event, &id, space.as_deref());
            }
        };
        Work {
            agent: ticket.agent,
            task: ticket.task,
            text,
            timeout: task.spec.timeout,
            cwd: task.spec.cwd.clone().map(Into::into),
            progress: Box::new(progress),
            cancel: ticket.cancel,
        }
    }
}
