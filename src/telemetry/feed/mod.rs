//! Feed of finished model calls: `GET /model-gateway/events`.
//!
//! An event has what [`access_log`](super::access_log) knows when a request's answer has ended: the
//! targets that were called, their results, and how long it took; never a prompt or an answer.
//! Without listeners no events are built, and none are kept for later listeners.
//!
//! | bound | |
//! |---|---|
//! | listeners at a time | 32 |
//! | events that wait for one listener | 64; one that is further behind is dropped |
//! | events | 10 per second; the others are counted in `left_out` |
//! | texts that clients choose | 200 characters |

mod event;
mod listener;
mod sampler;

pub(super) use event::short;
pub use event::{Attempt, Event, Request};
pub use listener::Listener;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    sync::mpsc::{self, Sender},
    time::Instant,
};

use self::sampler::Sampler;

/// Maximum number of listeners.
pub const MAX_LISTENERS: usize = 32;

/// Number of events that are buffered per listener.
const LISTENER_CAPACITY: usize = 64;

/// The feed's publisher. A handle: clones have the same listeners. It outlives the stack.
#[derive(Clone, Default)]
pub struct RequestFeed(Arc<Mutex<Hub>>);

#[derive(Default)]
struct Hub {
    pace: Sampler,
    listeners: Vec<Sender<Bytes>>,
    closed: bool,
}

impl RequestFeed {
    /// A feed without listeners.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a place among the listeners; `None` when there are too many.
    #[must_use]
    pub fn listen(&self) -> Option<Listener> {
        let mut hub = self.0.lock();
        hub.listeners.retain(|listener| !listener.is_closed());
        if hub.listeners.len() >= MAX_LISTENERS {
            return None;
        }
        let (sender, receiver) = mpsc::channel(LISTENER_CAPACITY);
        // After the end a stream has its first event, and no other.
        if !hub.closed {
            hub.listeners.push(sender);
        }
        Some(Listener::new(receiver, self.clone(), hub.pace.left_out()))
    }

    /// A request has ended. `make` is only asked when somebody is to hear of it; it gets the
    /// number of those that were left out. Never waits.
    pub(super) fn tell(&self, make: impl FnOnce(u64) -> Request) {
        let mut hub = self.0.lock();
        if hub.listeners.is_empty() {
            return;
        }
        hub.listeners.retain(|listener| !listener.is_closed());
        if hub.listeners.is_empty() || !hub.pace.admit(Instant::now()) {
            return;
        }
        let text = Event::Request(Box::new(make(hub.pace.left_out()))).sse();
        // A listener that is too slow sees the end, and reconnects.
        hub.listeners.retain(|listener| listener.try_send(text.clone()).is_ok());
    }

    /// How many requests were left out so far.
    fn left_out(&self) -> u64 {
        self.0.lock().pace.left_out()
    }

    /// Ends all streams, and those that are still to come. What waits for them is still heard.
    pub fn close(&self) {
        let mut hub = self.0.lock();
        hub.closed = true;
        hub.listeners.clear();
    }
}

impl fmt::Debug for RequestFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestFeed").field("listeners", &self.0.lock().listeners.len()).finish()
    }
}

#[cfg(test)]
mod tests;
