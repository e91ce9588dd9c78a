use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Key, Record, accounts::Entry};

/// A queue of the accounts that changed, for persistence outside of the ledger: see
/// [`Ledger::changes`](super::Ledger::changes). When the last handle is dropped, pending changes
/// are discarded.
pub struct Changes<K: Key>(Arc<Queue<K>>);

/// A change of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<K> {
    /// The account's key; `None` is that of all requests without a key.
    pub key: Option<K>,
    /// The record to persist; `None` when the account was removed.
    pub record: Option<Record>,
}

impl<K: Key> Changes<K> {
    pub(super) fn new(queue: Arc<Queue<K>>) -> Self {
        let mut waiting = queue.waiting.lock();
        waiting.readers += 1;
        queue.is_read.store(true, Ordering::Release);
        drop(waiting);
        Self(queue)
    }

    /// Waits until there is something to [take](Self::take). Cancel safe.
    pub async fn changed(&self) {
        while self.0.is_empty() {
            self.0.news.notified().await;
        }
    }

    /// The accounts that have changed since the last time, each as it is now and at most once;
    /// forgotten ones come first, as one of them may have begun anew.
    pub fn take(&self) -> Vec<Change<K>> {
        let (forgotten, queued) = {
            let mut waiting = self.0.waiting.lock();
            (std::mem::take(&mut waiting.forgotten), std::mem::take(&mut waiting.changed))
        };
        let forgotten = forgotten.into_iter().map(|key| Change { key, record: None });
        let changed = queued.into_iter().map(|entry| {
            // Before it is read: a later change is queued again.
            entry.is_queued.store(false, Ordering::SeqCst);
            let record = entry.account.lock().record();
            Change { key: entry.key.clone(), record: Some(record) }
        });
        forgotten.chain(changed).collect()
    }
}

impl<K: Key> Drop for Changes<K> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting.lock();
        waiting.readers -= 1;
        if waiting.readers == 0 {
            self.0.is_read.store(false, Ordering::Release);
            waiting.forgotten = Vec::new();
            for entry in std::mem::take(&mut waiting.changed) {
                entry.is_queued.store(false, Ordering::SeqCst);
            }
        }
    }
}

impl<K: Key> fmt::Debug for Changes<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

/// Pending changes. Nothing is queued without a consumer, as each change keeps its account in
/// memory.
pub(super) struct Queue<K> {
    /// Whether there are readers, for a look without the lock.
    is_read: AtomicBool,
    waiting: Mutex<Waiting<K>>,
    news: Notify,
}

struct Waiting<K> {
    readers: usize,
    changed: Vec<Arc<Entry<K>>>,
    forgotten: Vec<Option<K>>,
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        let waiting = Waiting { readers: 0, changed: Vec::new(), forgotten: Vec::new() };
        Self { is_read: AtomicBool::new(false), waiting: Mutex::new(waiting), news: Notify::new() }
    }
}

impl<K> Queue<K> {
    /// The account was written to, and is not locked any more.
    pub(super) fn changed(&self, entry: &Arc<Entry<K>>) {
        if !self.is_read.load(Ordering::Acquire) || entry.is_queued.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut waiting = self.waiting.lock();
        if waiting.readers == 0 {
            // The last one has gone since the first look.
            entry.is_queued.store(false, Ordering::SeqCst);
            return;
        }
        waiting.changed.push(entry.clone());
        drop(waiting);
        self.news.notify_one();
    }

    pub(super) fn forgotten(&self, keys: Vec<Option<K>>) {
        if !self.is_read.load(Ordering::Acquire) || keys.is_empty() {
            return;
        }
        let mut waiting = self.waiting.lock();
        if waiting.readers == 0 {
            return;
        }
        waiting.forgotten.extend(keys);
        drop(waiting);
        self.news.notify_one();
    }

    fn is_empty(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.changed.is_empty() && waiting.forgotten.is_empty()
    }
}
