use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use uuid::Uuid;

use super::frame::Frame;
use super::queue::{End, Queue};
use super::stream::EventStream;
use super::{Event, Shared};
use crate::agents::Summary;
use crate::tasks::TaskView;

/// A listener's place, taken. Everything that happens from now on is kept for it, within bounds;
/// the place is free again when this is dropped.
#[derive(Debug)]
pub struct Subscription {
    pub(super) shared: Arc<Shared>,
    pub(super) key: u64,
    pub(super) queue: Arc<Queue>,
    /// What was missed.
    pub(super) missed: VecDeque<Frame>,
    /// Whether that is all, if anything was asked for.
    pub(super) resumed: Option<bool>,
}

impl Subscription {
    /// The client's stream: its id, the status of the task that it filters by, the agents, missed
    /// events, and then new ones.
    #[must_use]
    pub fn into_stream(mut self, task: Option<TaskView>, agents: Vec<Summary>) -> EventStream {
        let client_id = format!("client_{}", Uuid::now_v7().simple());
        let connected = Event::Connected { client_id, resumed: self.resumed };
        let status =
            task.map(|task| Event::TaskStatus { task_id: task.id.clone(), task: Box::new(task) });
        let opening = [Some(connected), status, Some(Event::Welcome { agents })];
        let mut ready: VecDeque<_> = opening.iter().flatten().map(Frame::passing).collect();
        ready.append(&mut self.missed);
        EventStream::new(ready, self)
    }

    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Result<Frame, End>> {
        self.queue.poll_next(cx)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.shared.leave(self.key);
    }
}
