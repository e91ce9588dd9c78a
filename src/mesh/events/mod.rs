//! What happens on the agent side, told to whoever listens.

mod event;

pub use event::Event;

/// Where events go. A handle: clones share the log and the listeners.
#[derive(Clone, Debug, Default)]
pub struct Events;

impl Events {
    /// Nobody listens, and nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        Self
    }

    /// Tells everyone who listens, and keeps it for those that come back. Never waits. `task` and
    /// `space` are what it is about, for streams that want nothing else. How many it went to.
    pub fn publish(&self, event: &Event, task: Option<&str>, space: Option<&str>) -> usize {
        let _ = (event, task, space);
        0
    }

    /// Ends all streams, and those that are still to come.
    pub fn close(&self) {}
}
