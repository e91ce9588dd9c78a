use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::broadcast, time::Instant};

use super::{Key, KeyRef, Transition, circuit::Circuit, entry::Entry, key::AsKeyRef};

/// Circuits that were not used for this time are removed.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(600);
/// Minimum interval between two searches for idle circuits, in general and while the table is full.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);
const FULL_SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The circuits by their keys, bounded in number.
#[derive(Debug)]
pub(super) struct Circuits {
    map: HashMap<Key, Arc<Entry>>,
    most: usize,
    swept: Option<Instant>,
    transitions: broadcast::Sender<Transition>,
}

impl Circuits {
    pub(super) fn new(most: usize, transitions: broadcast::Sender<Transition>) -> Self {
        Self { map: HashMap::new(), most, swept: None, transitions }
    }

    pub(super) fn get(&self, key: &KeyRef<'_>) -> Option<Arc<Entry>> {
        self.map.get(key as &dyn AsKeyRef).cloned()
    }

    /// The key's circuit, made if need be; `None` when there are too many that matter.
    pub(super) fn get_or_make(&mut self, key: &KeyRef<'_>, now: Instant) -> Option<Arc<Entry>> {
        if let Some(entry) = self.get(key) {
            return Some(entry);
        }
        self.sweep(now);
        (self.map.len() < self.most).then(|| self.make(key, now))
    }

    /// The key's circuit, made if need be, even above the bound.
    pub(super) fn get_or_insert(&mut self, key: &KeyRef<'_>, now: Instant) -> Arc<Entry> {
        self.get(key).unwrap_or_else(|| self.make(key, now))
    }

    fn make(&mut self, key: &KeyRef<'_>, now: Instant) -> Arc<Entry> {
        let (key, circuit) = (key.to_key(), Mutex::new(Circuit::new(now)));
        let transitions = self.transitions.clone();
        let entry = Arc::new(Entry { key: key.clone(), circuit, transitions });
        self.map.insert(key, entry.clone());
        entry
    }

    /// Only a new key makes the map larger, so only then is room made; and not each time, because
    /// it takes a look at all of them.
    fn sweep(&mut self, now: Instant) {
        let full = self.map.len() >= self.most;
        let pause = if full { FULL_SWEEP_INTERVAL } else { SWEEP_INTERVAL };
        if self.swept.is_some_and(|swept| now.saturating_duration_since(swept) < pause) {
            return;
        }
        self.swept = Some(now);
        self.map.retain(|_, entry| {
            let circuit = entry.circuit.lock();
            // A second owner is a call under way: its outcome must not go to a forgotten circuit.
            Arc::strong_count(entry) > 1
                || !(circuit.is_idle(IDLE_TIMEOUT, now) || full && circuit.is_clean(now))
        });
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Key) -> bool) {
        self.map.retain(|key, _| keep(key));
    }

    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    pub(super) fn entries(&self) -> Vec<Arc<Entry>> {
        self.map.values().cloned().collect()
    }
}
