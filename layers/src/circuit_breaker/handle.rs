use std::sync::Arc;

use parking_lot::RwLock;
use tokio::{sync::broadcast, time::Instant};

use super::{Key, KeyRef, Settings, Status, Transition, circuits::Circuits, permit::Permit};

/// Number of transitions that are buffered per subscriber; the oldest are dropped first.
const SUBSCRIBER_CAPACITY: usize = 128;

/// The circuits themselves. A shared handle: give the same one to a stack that is built anew, and
/// it goes on where the old one was. Also the place to look at them and to force them.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    circuits: RwLock<Circuits>,
    transitions: broadcast::Sender<Transition>,
}

impl Handle {
    /// Keeps 4096 circuits.
    pub fn new() -> Self {
        Self::with_capacity(4096)
    }

    /// Keeps this many circuits. When all of them matter, calls with other keys go through
    /// without one.
    pub fn with_capacity(most: usize) -> Self {
        let transitions = broadcast::channel(SUBSCRIBER_CAPACITY).0;
        let circuits = RwLock::new(Circuits::new(most, transitions.clone()));
        Self(Arc::new(Shared { circuits, transitions }))
    }

    /// Number of circuits in the table.
    pub fn count(&self) -> usize {
        self.0.circuits.read().len()
    }

    /// The status of all circuits, sorted by key.
    pub fn list(&self) -> Vec<Status> {
        let (now, entries) = (Instant::now(), self.0.circuits.read().entries());
        let mut list: Vec<_> = entries.iter().map(|entry| entry.status(now)).collect();
        list.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        list
    }

    /// The status of one circuit; `None` when it is not in the table, which is equivalent to
    /// closed.
    pub fn status<'a>(&self, key: impl Into<KeyRef<'a>>) -> Option<Status> {
        let entry = self.0.circuits.read().get(&key.into());
        entry.map(|entry| entry.status(Instant::now()))
    }

    /// Refuses all calls until it is closed by force or released.
    pub fn force_open<'a>(&self, key: impl Into<KeyRef<'a>>) {
        self.force(&key.into(), true);
    }

    /// Lets all calls through, whatever becomes of them, until it is opened by force or released.
    pub fn force_close<'a>(&self, key: impl Into<KeyRef<'a>>) {
        self.force(&key.into(), false);
    }

    /// Undoes a force: the circuit is closed, with nothing counted. One that is not forced stays
    /// as it is.
    pub fn release<'a>(&self, key: impl Into<KeyRef<'a>>) {
        let entry = self.0.circuits.read().get(&key.into());
        if let Some(entry) = entry {
            entry.release(Instant::now());
        }
    }

    /// Forgets the circuits of all other keys, such as those of targets that are gone. Calls that
    /// are under way decide nothing about a circuit that is made anew.
    pub fn retain(&self, keep: impl FnMut(&Key) -> bool) {
        self.0.circuits.write().retain(keep);
    }

    /// Subscribes to transitions from now on. A subscriber that lags by more than 128 transitions
    /// loses the oldest ones and receives their number; a slow subscriber never blocks the breaker.
    pub fn subscribe(&self) -> broadcast::Receiver<Transition> {
        self.0.transitions.subscribe()
    }

    fn force(&self, key: &KeyRef<'_>, open: bool) {
        let now = Instant::now();
        let entry = self.0.circuits.write().get_or_insert(key, now);
        entry.force(open, now);
    }

    /// The permit for a call, or why there is none.
    pub(super) fn admit(
        &self,
        key: &KeyRef<'_>,
        settings: Settings,
        now: Instant,
    ) -> Result<Permit, Status> {
        let known = self.0.circuits.read().get(key);
        let entry = known.or_else(|| self.0.circuits.write().get_or_make(key, now));
        let Some(entry) = entry else { return Ok(Permit::untracked()) };
        let pass = entry.admit(&settings, now)?;
        Ok(Permit::new(entry, pass, settings))
    }
}

impl Default for Handle {
    fn default() -> Self {
        Self::new()
    }
}
