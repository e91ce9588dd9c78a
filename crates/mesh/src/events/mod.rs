//! Events of the agent side, published to all connected clients.
//!
//! Every event gets a number, which grows over restarts, too, and is kept in a log in memory. A
//! client that reconnects with the last number it saw gets the events that it missed, and whether
//! they are complete; then new events, each one once. Publishing never waits: a client that does
//! not keep up is disconnected, and may reconnect.
//!
//! | bound | default |
//! |---|---|
//! | streams at a time | 256 |
//! | events that wait for one client | 1024, and 4 MiB |
//! | events in the log | 4096, and 8 MiB |
//! | of these, what agents say and clients broadcast | 4096, and 8 MiB of their own |

mod event;
mod filter;
mod frame;
mod log;
mod queue;
mod stream;
mod subscription;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::{fmt, pin::pin};

use parking_lot::Mutex;
use tokio::sync::Notify;

pub use event::Event;
pub use filter::Filter;
pub use frame::Frame;
pub use queue::End;
pub use stream::EventStream;
pub use subscription::Subscription;

use frame::Text;
use log::{Bounds, Entry, Log};
use queue::Queue;

/// Maximum number of open event streams.
pub const MAX_STREAMS: usize = 256;
const LOG: Bounds = Bounds { count: 4096, bytes: 8 << 20 };
const QUEUE_BOUNDS: Bounds = Bounds { count: 1024, bytes: 4 << 20 };

/// Publisher of events. A handle: clones share the log and the listeners.
#[derive(Clone, Default)]
pub struct Events(Arc<Shared>);

/// One lock for the log and the listeners: a new listener finds each event in one of both, once.
#[derive(Debug, Default)]
struct Shared {
    hub: Mutex<Hub>,
    left: Notify,
}

#[derive(Debug)]
struct Hub {
    log: Log,
    listeners: HashMap<u64, Listener>,
    next_key: u64,
    closed: bool,
}

#[derive(Debug)]
struct Listener {
    filter: Filter,
    queue: Arc<Queue>,
}

impl Default for Hub {
    fn default() -> Self {
        // Higher than any number of the last process, unless it published more than one event per
        // µs.
        let start = switchtower_platform::clock::now().saturating_mul(1000);
        Self { log: Log::new(start, LOG), listeners: HashMap::new(), next_key: 0, closed: false }
    }
}

impl Events {
    /// An empty log without listeners.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Publishes an event to all listeners, and logs it for those that reconnect. Never waits.
    /// `task` and `space` are its subject, for filtered streams. Returns the number of listeners.
    pub fn publish(&self, event: &Event, task: Option<&str>, space: Option<&str>) -> usize {
        let text = Text::new(event);
        let mut delivered = 0;
        let mut wakers = Vec::new();
        let mut hub = self.0.hub.lock();
        let id = hub.log.next_id();
        let frame = Frame::numbered(id, &text);
        let closed = hub.closed;
        hub.listeners.retain(|_, listener| {
            if !listener.filter.wants(task, space) {
                return true;
            }
            let (is_heard, waker) = listener.queue.push(&frame);
            delivered += usize::from(is_heard);
            wakers.extend(waker);
            is_heard || closed
        });
        let (task, space) = (task.map(Into::into), space.map(Into::into));
        hub.log.push(Entry { id, frame, task, space }, event.is_chatter());
        drop(hub);
        wakers.into_iter().for_each(std::task::Waker::wake);
        delivered
    }

    /// Takes a place among the listeners. `last` is the number of the last event that the client
    /// saw, when it comes back; one that is not a number is as good as one that is not known any
    /// more. `None` when there are too many.
    #[must_use]
    pub fn subscribe(&self, filter: Filter, last: Option<&str>) -> Option<Subscription> {
        let queue = Arc::new(Queue::new(QUEUE_BOUNDS));
        let mut hub = self.0.hub.lock();
        if hub.listeners.len() >= MAX_STREAMS {
            return None;
        }
        let (missed, resumed) = match last.map(str::parse) {
            None => (Default::default(), None),
            Some(Err(_)) => (Default::default(), Some(false)),
            Some(Ok(id)) => {
                let (missed, is_all) = hub.log.since(id, &filter);
                (missed, Some(is_all))
            }
        };
        if hub.closed {
            let _nobody_waits = queue.close();
        }
        let key = hub.next_key;
        hub.next_key += 1;
        hub.listeners.insert(key, Listener { filter, queue: queue.clone() });
        Some(Subscription { shared: self.0.clone(), key, queue, missed, resumed })
    }

    /// Ends all streams, and those that are still to come. What waits for them is still heard.
    pub fn close(&self) {
        let mut hub = self.0.hub.lock();
        hub.closed = true;
        let wakers: Vec<_> = hub.listeners.values().filter_map(|l| l.queue.close()).collect();
        drop(hub);
        wakers.into_iter().for_each(std::task::Waker::wake);
    }

    /// Resolves when there are no listeners left.
    pub async fn left(&self) {
        loop {
            let mut left = pin!(self.0.left.notified());
            left.as_mut().enable();
            if self.0.hub.lock().listeners.is_empty() {
                return;
            }
            left.await;
        }
    }
}

impl Shared {
    fn leave(&self, key: u64) {
        self.hub.lock().listeners.remove(&key);
        self.left.notify_waiters();
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
