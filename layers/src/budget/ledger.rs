use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use parking_lot::RwLock;
use tokio::sync::Notify;

use super::{
    BudgetStatus, Changes, Exhausted, Key, Limits, Record, Spend,
    account::Account,
    accounts::{Accounts, Entry},
    changes::Queue,
};

/// Limits, usage and reservations of each key.
///
/// A shared handle: clones count together, and a rebuilt layer continues with it. Its accounts are
/// in memory; use [`changes`](Self::changes) and [`restore`](Self::restore) to persist them. It
/// holds a few hundred bytes for each key that has used something in the current day or month of
/// its limits, and forgets the others.
///
/// ```
/// use std::time::SystemTime;
/// use switchtower_layers::budget::{Ledger, Limit, Limits, Period, Spend};
///
/// let ledger = Ledger::<u32>::new(Limits::from([Limit::tokens(100, Period::Day)]));
/// let tokens = |tokens| Spend { requests: 1, tokens, ..Spend::NOTHING };
/// let now = SystemTime::now();
///
/// let first = ledger.reserve(Some(7), tokens(60), now)?;
/// assert!(ledger.reserve(Some(7), tokens(60), now).is_err(), "both together are too much");
/// first.settle(tokens(20), now);
/// ledger.reserve(Some(7), tokens(60), now)?;
/// # Ok::<_, switchtower_layers::budget::Exhausted>(())
/// ```
pub struct Ledger<K: Key>(Arc<Shared<K>>);

type LimitsOf<K> = Arc<dyn Fn(Option<&K>) -> Limits + Send + Sync>;
type Clock = Box<dyn Fn() -> SystemTime + Send + Sync>;

struct Shared<K: Key> {
    accounts: RwLock<Accounts<K>>,
    limits: RwLock<LimitsOf<K>>,
    clock: Clock,
    queue: Arc<Queue<K>>,
    /// Reservations that are not settled.
    open: AtomicUsize,
    settled: Notify,
}

impl<K: Key> Ledger<K> {
    /// A ledger with the same limits for each key.
    pub fn new(limits: Limits) -> Self {
        Self::by_key(move |_| limits)
    }

    /// Limits by key, which are asked for at each request. Requests without a key (`None`) have
    /// one account together.
    pub fn by_key(limits: impl Fn(Option<&K>) -> Limits + Send + Sync + 'static) -> Self {
        Self::with_clock(limits, SystemTime::now)
    }

    /// A ledger with another clock than the system's: for tests, or for days that begin elsewhere.
    pub fn with_clock(
        limits: impl Fn(Option<&K>) -> Limits + Send + Sync + 'static,
        clock: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            accounts: RwLock::default(),
            limits: RwLock::new(Arc::new(limits)),
            clock: Box::new(clock),
            queue: Arc::default(),
            open: AtomicUsize::new(0),
            settled: Notify::new(),
        }))
    }

    /// Other limits from now on. What was used stays used.
    pub fn set_limits(&self, limits: impl Fn(Option<&K>) -> Limits + Send + Sync + 'static) {
        *self.0.limits.write() = Arc::new(limits);
    }

    /// The key's limits.
    pub fn limits(&self, key: Option<&K>) -> Limits {
        let limits = self.0.limits.read().clone();
        limits(key)
    }

    /// The time of its clock.
    pub fn now(&self) -> SystemTime {
        (self.0.clock)()
    }

    /// Reserves what a request may use.
    ///
    /// # Errors
    ///
    /// When that and what is used and reserved already are more than one of the key's limits.
    /// Nothing is reserved then.
    pub fn reserve(
        &self,
        key: Option<K>,
        estimate: Spend,
        now: SystemTime,
    ) -> Result<Reservation<K>, Exhausted> {
        let limits = self.limits(key.as_ref());
        let entry = self.entry(key, now);
        entry.account.lock().reserve(&limits, estimate, now)?;
        self.0.open.fetch_add(1, Ordering::AcqRel);
        Ok(Reservation { ledger: self.clone(), entry, estimate, is_open: true })
    }

    /// The key's usage of each of its limits.
    pub fn standing(&self, key: &Option<K>, now: SystemTime) -> Vec<BudgetStatus> {
        let limits = self.limits(key.as_ref());
        let known = self.0.accounts.read().get(key);
        match known {
            Some(entry) => entry.account.lock().standings(&limits, now),
            None => Account::new(now).standings(&limits, now),
        }
    }

    /// The keys that have an account, in no order.
    pub fn keys(&self) -> Vec<Option<K>> {
        let entries = self.0.accounts.read().entries();
        entries.iter().map(|entry| entry.key.clone()).collect()
    }

    /// Number of accounts in memory.
    pub fn len(&self) -> usize {
        self.0.accounts.read().len()
    }

    /// Whether no account is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets accounts that have used and reserved nothing of the current periods of their
    /// limits. Requests with new keys do it by themselves, at most once a minute.
    pub fn evict_idle(&self, now: SystemTime) {
        self.sweep(&mut self.0.accounts.write(), now);
    }

    /// Restores persisted accounts before the first request; an account that is already open is
    /// replaced. Records without usage in the current periods are reported as removed.
    pub fn restore(&self, records: impl IntoIterator<Item = (Option<K>, Record)>, now: SystemTime) {
        let mut accounts = self.0.accounts.write();
        for (key, record) in records {
            accounts.insert(key, Account::restored(record));
        }
        self.sweep(&mut accounts, now);
    }

    /// Subscribes to the accounts that change from now on. Of several handles each change goes to
    /// one.
    pub fn changes(&self) -> Changes<K> {
        Changes::new(self.0.queue.clone())
    }

    /// Number of open reservations.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Acquire)
    }

    /// Waits until no request is under way.
    pub async fn settled(&self) {
        loop {
            let settled = self.0.settled.notified();
            if self.open() == 0 {
                return;
            }
            settled.await;
        }
    }

    fn entry(&self, key: Option<K>, now: SystemTime) -> Arc<Entry<K>> {
        let known = self.0.accounts.read().get(&key);
        known.unwrap_or_else(|| {
            let mut accounts = self.0.accounts.write();
            if accounts.is_due(now) {
                self.sweep(&mut accounts, now);
            }
            accounts.get_or_make(key, now)
        })
    }

    fn sweep(&self, accounts: &mut Accounts<K>, now: SystemTime) {
        let limits = self.0.limits.read().clone();
        self.0.queue.forgotten(accounts.sweep(|key| limits(key), now));
    }
}

impl<K: Key> Clone for Ledger<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Without the keys, which may be credentials.
impl<K: Key> fmt::Debug for Ledger<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("accounts", &self.len()).field("open", &self.open()).finish()
    }
}

/// The reserved usage of a request. Dropped without being settled, all of it is given back.
#[must_use = "dropped at once, it reserves nothing"]
pub struct Reservation<K: Key> {
    ledger: Ledger<K>,
    entry: Arc<Entry<K>>,
    estimate: Spend,
    is_open: bool,
}

impl<K: Key> Reservation<K> {
    /// The reserved amount.
    pub fn estimate(&self) -> Spend {
        self.estimate
    }

    pub(super) fn now(&self) -> SystemTime {
        self.ledger.now()
    }

    /// Gives back what was reserved, and books what was used to the periods that it is now in. It
    /// may be more than was reserved, and more than the limit: then so much of the next period is
    /// used already.
    pub fn settle(mut self, actual: Spend, now: SystemTime) {
        let limits = self.ledger.limits(self.entry.key.as_ref());
        self.is_open = false;
        self.entry.account.lock().settle(&limits, self.estimate, actual, now);
        if actual != Spend::NOTHING {
            self.ledger.0.queue.changed(&self.entry);
        }
    }
}

impl<K: Key> Drop for Reservation<K> {
    fn drop(&mut self) {
        if self.is_open {
            self.entry.account.lock().release(self.estimate);
        }
        let shared = &self.ledger.0;
        if shared.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            shared.settled.notify_waiters();
        }
    }
}

impl<K: Key> fmt::Debug for Reservation<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("estimate", &self.estimate).finish_non_exhaustive()
    }
}
