//! Adapters for governor: a clock that follows tokio's, and a store that reports its decisions.

use std::{
    cell::Cell,
    hash::{Hash, Hasher},
    sync::OnceLock,
};

use governor::{
    clock::Clock,
    nanos::Nanos,
    state::{
        StateStore,
        keyed::{DashMapStateStore, ShrinkableKeyedStateStore},
    },
};
use tokio::time::Instant;

/// Time since it was first asked, on tokio's clock: governor's own ignore paused time.
///
/// A limiter asks once when it is made, and that has to be 0: it counts from there, so that only
/// then a state in the store can be compared with this clock.
#[derive(Debug, Default)]
pub(super) struct TokioClock(OnceLock<Instant>);

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        match self.0.get() {
            Some(start) => start.elapsed().into(),
            None => {
                let _ = self.0.set(Instant::now());
                Nanos::default()
            }
        }
    }
}

/// A key that is asked about, and a place for the answer: governor's outcomes do not say when a
/// limit is full again.
#[derive(Clone)]
pub(super) struct Asked<K> {
    key: K,
    /// Nothing is taken.
    only_looks: bool,
    full_at: Cell<Nanos>,
}

impl<K> Asked<K> {
    pub(super) fn new(key: K) -> Self {
        Self { key, only_looks: false, full_at: Cell::default() }
    }

    pub(super) fn looking(self) -> Self {
        Self { only_looks: true, ..self }
    }

    /// When all that the key has used has come back, by the decision just made.
    pub(super) fn full_at(&self) -> Nanos {
        self.full_at.get()
    }
}

impl<K: PartialEq> PartialEq for Asked<K> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<K: Eq> Eq for Asked<K> {}

impl<K: Hash> Hash for Asked<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

/// governor's sharded map, behind the key that can be answered.
pub(super) struct Store<K>(DashMapStateStore<K>);

impl<K: Hash + Eq> Default for Store<K> {
    fn default() -> Self {
        Self(DashMapStateStore::default())
    }
}

impl<K: Hash + Eq + Clone> StateStore for Store<K> {
    type Key = Asked<K>;

    fn measure_and_replace<T, F, E>(&self, asked: &Asked<K>, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        // Called again when another thread was faster; the last word counts.
        self.0.measure_and_replace(&asked.key, |full_at| {
            let before = full_at.unwrap_or_default();
            asked.full_at.set(before);
            let (outcome, after) = decide(full_at)?;
            let after = if asked.only_looks { before } else { after };
            asked.full_at.set(after);
            Ok((outcome, after))
        })
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<Asked<K>> for Store<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        ShrinkableKeyedStateStore::retain_recent(&self.0, drop_below);
    }

    fn shrink_to_fit(&self) {
        ShrinkableKeyedStateStore::shrink_to_fit(&self.0);
    }

    fn len(&self) -> usize {
        ShrinkableKeyedStateStore::len(&self.0)
    }

    fn is_empty(&self) -> bool {
        ShrinkableKeyedStateStore::is_empty(&self.0)
    }
}
