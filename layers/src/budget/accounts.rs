use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;

use super::{Key, Limits, account::Account};

/// Minimum interval between two searches for idle accounts.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// One key's account, behind a lock of its own. `None` is the key of requests that have none.
pub(super) struct Entry<K> {
    pub(super) key: Option<K>,
    pub(super) account: Mutex<Account>,
    /// Whether it waits to be taken as changed.
    pub(super) is_queued: AtomicBool,
}

impl<K> Entry<K> {
    fn new(key: Option<K>, account: Account) -> Arc<Self> {
        Arc::new(Self { key, account: Mutex::new(account), is_queued: AtomicBool::new(false) })
    }
}

/// The accounts by their keys. They are as many as have used something of a limit's period.
pub(super) struct Accounts<K> {
    map: HashMap<Option<K>, Arc<Entry<K>>>,
    swept: Option<SystemTime>,
}

impl<K> Default for Accounts<K> {
    fn default() -> Self {
        Self { map: HashMap::new(), swept: None }
    }
}

impl<K: Key> Accounts<K> {
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    pub(super) fn get(&self, key: &Option<K>) -> Option<Arc<Entry<K>>> {
        self.map.get(key).cloned()
    }

    pub(super) fn get_or_make(&mut self, key: Option<K>, now: SystemTime) -> Arc<Entry<K>> {
        let make = |key: &Option<K>| Entry::new(key.clone(), Account::new(now));
        self.map.entry(key).or_insert_with_key(make).clone()
    }

    pub(super) fn insert(&mut self, key: Option<K>, account: Account) {
        self.map.insert(key.clone(), Entry::new(key, account));
    }

    pub(super) fn entries(&self) -> Vec<Arc<Entry<K>>> {
        self.map.values().cloned().collect()
    }

    /// Only a new key makes the map larger, so only then is room made; and not each time, because
    /// it takes a look at all of them.
    pub(super) fn is_due(&self, now: SystemTime) -> bool {
        // A clock that was set back is no reason to wait.
        let since = self.swept.and_then(|swept| now.duration_since(swept).ok());
        since.is_none_or(|since| since >= SWEEP_INTERVAL)
    }

    /// Forgets idle accounts; gives their keys.
    pub(super) fn sweep(
        &mut self,
        limits: impl Fn(Option<&K>) -> Limits,
        now: SystemTime,
    ) -> Vec<Option<K>> {
        self.swept = Some(now);
        let mut gone = Vec::new();
        self.map.retain(|key, entry| {
            // A second owner is a request under way, or a change that waits to be taken.
            let is_idle = Arc::strong_count(entry) == 1
                && entry.account.lock().is_idle(&limits(key.as_ref()), now);
            if is_idle {
                gone.push(key.clone());
            }
            !is_idle
        });
        self.map.shrink_to(2 * self.map.len());
        gone
    }
}
