use std::{
    collections::HashMap,
    fmt,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{RateLimiter, clock::Clock, middleware::StateInformationMiddleware, nanos::Nanos};
use tokio::time::Instant;

use super::{
    Key, Limit,
    headers::QuotaHeaders,
    path::Paths,
    service::used_up,
    store::{Asked, Store, TokioClock},
};
use crate::Rejection;

/// How often idle keys are evicted: when a burst has come back, but within these bounds.
const EVICTION: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Limits, and what each key has used of them.
///
/// A shared handle: clones count together, and a layer that is built anew goes on with it. It
/// holds a few dozen bytes for each key that is not idle, which is for as long as something it
/// has used has not come back yet; now and then a call evicts the others, in the call.
pub struct Limiter<K: Key> {
    shared: Arc<Shared<K>>,
}

struct Shared<K: Key> {
    // Each one is shared with the limiters that this one goes on from.
    rules: Box<[Arc<Rule<K>>]>,
    /// Those of keys that have a limit of their own, instead of all others.
    own: HashMap<K, Arc<Rule<K>>>,
    /// When the first of them was made.
    epoch: Instant,
    evict_every: Nanos,
    /// In nanoseconds since the epoch.
    evict_at: AtomicU64,
}

/// A limit with its keys; requests without a key are one of them, `None`.
struct Rule<K: Key> {
    paths: Paths,
    limit: Limit,
    // Worked out once.
    capacity: u32,
    interval: Nanos,
    /// Between the limiter's epoch and the start of this rule's clock.
    made_at: Nanos,
    governor: Governor<Option<K>>,
}

type Governor<K> = RateLimiter<Asked<K>, Store<K>, TokioClock, StateInformationMiddleware>;

/// What is to become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It goes inward.
    Pass(QuotaHeaders),
    /// It would have gone inward after this wait.
    Wait(Limit, QuotaHeaders, Duration),
    /// It costs this much, and more than the limit ever has.
    Never(Limit, QuotaHeaders, NonZeroU32),
}

impl<K: Key> Limiter<K> {
    /// A limiter with one limit for all paths.
    pub fn new(limit: Limit) -> Self {
        Self::by_path([(Paths::ALL, limit)])
    }

    /// Limits by path; each is counted for itself, the first that matches is the one, and paths
    /// that none matches are not limited.
    ///
    /// A plain path matches that path, with or without a slash at its end. A `*` at the end matches
    /// any suffix: `/v1/*`, or `*` for every other path.
    ///
    /// ```
    /// use switchtower_layers::rate_limit::{ClientKey, Limit, Limiter};
    ///
    /// let limiter = Limiter::<ClientKey>::by_path([
    ///     ("/v1/chat/completions", Limit::per_minute(60).burst(10)),
    ///     ("/v1/*", Limit::per_minute(300)),
    /// ]);
    /// assert!(limiter.is_empty());
    /// ```
    pub fn by_path<P: AsRef<str>>(limits: impl IntoIterator<Item = (P, Limit)>) -> Self {
        Self::by_path_or_key(limits, [])
    }

    /// A limiter by path, except for these keys, which have a limit of their own for all paths
    /// together.
    pub fn by_path_or_key<P: AsRef<str>>(
        limits: impl IntoIterator<Item = (P, Limit)>,
        own: impl IntoIterator<Item = (K, Limit)>,
    ) -> Self {
        Self::with_rules(limits, own, None, Instant::now())
    }

    /// Other limits, for a layer that takes the place of another. A limit that stays as it is, for
    /// the same path or key, goes on with its counts, which both limiters share; all others begin
    /// anew.
    ///
    /// ```
    /// use switchtower_layers::rate_limit::{ClientKey, Limit, Limiter};
    ///
    /// let limits = [("/v1/responses", Limit::per_minute(60)), ("*", Limit::per_minute(300))];
    /// let before = Limiter::<ClientKey>::by_path(limits);
    /// let after = before.with_limits([limits[0], ("*", Limit::per_minute(100))], []);
    /// ```
    #[must_use]
    pub fn with_limits<P: AsRef<str>>(
        &self,
        limits: impl IntoIterator<Item = (P, Limit)>,
        own: impl IntoIterator<Item = (K, Limit)>,
    ) -> Self {
        Self::with_rules(limits, own, Some(&self.shared), self.shared.epoch)
    }

    fn with_rules<P: AsRef<str>>(
        limits: impl IntoIterator<Item = (P, Limit)>,
        own: impl IntoIterator<Item = (K, Limit)>,
        known: Option<&Shared<K>>,
        epoch: Instant,
    ) -> Self {
        let rules = limits.into_iter().map(|(path, limit)| {
            let paths = Paths::new(path.as_ref());
            let mut rules = known.into_iter().flat_map(|known| &*known.rules);
            let same = rules.find(|rule| rule.paths == paths && rule.limit == limit);
            same.cloned().unwrap_or_else(|| Arc::new(Rule::new(paths, limit, epoch)))
        });
        let rules: Box<[_]> = rules.collect();
        let own = own.into_iter().map(|(key, limit)| {
            let rule = known.and_then(|known| known.own.get(&key));
            let same = rule.filter(|rule| rule.limit == limit).cloned();
            let rule =
                same.unwrap_or_else(|| Arc::new(Rule::new(Paths::new(Paths::ALL), limit, epoch)));
            (key, rule)
        });
        let own: HashMap<_, _> = own.collect();
        let (least, most) = EVICTION;
        let fill = rules.iter().chain(own.values()).map(|rule| rule.limit.fill()).min();
        let evict_every = Nanos::from(fill.unwrap_or(most).clamp(least, most));
        let evict_at = AtomicU64::new((Nanos::from(epoch.elapsed()) + evict_every).as_u64());
        Self { shared: Arc::new(Shared { rules, own, epoch, evict_every, evict_at }) }
    }

    /// Number of keys in memory: those that are not idle, and idle ones that were not evicted yet.
    /// A key counts once for each of the limits it has used.
    pub fn len(&self) -> usize {
        self.shared.all().map(|rule| rule.governor.len()).sum()
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the keys whose limits are full again. Calls do it by themselves, once in the time
    /// in which a burst comes back, but not more often than once a second, nor less than once a
    /// minute.
    pub fn evict_idle(&self) {
        for rule in self.shared.all() {
            rule.governor.retain_recent();
            rule.governor.shrink_to_fit();
        }
    }

    /// Takes one from the key's limit for this path, to count something else than forwarded
    /// requests, such as failures.
    ///
    /// # Errors
    ///
    /// With the answer for the client, 429 `RATE_LIMITED`, when nothing is left.
    pub fn check(&self, path: &str, key: Option<K>) -> Result<(), Rejection> {
        match self.decide(path, || key, || NonZeroU32::MIN) {
            Some(Decision::Wait(limit, _, wait)) => Err(used_up(&limit, wait)),
            _ => Ok(()),
        }
    }

    /// `None` when there is no limit; without one for the path or any key, no key is asked for.
    pub(super) fn decide(
        &self,
        path: &str,
        key: impl FnOnce() -> Option<K>,
        cost: impl FnOnce() -> NonZeroU32,
    ) -> Option<Decision> {
        let Shared { rules, own, .. } = &*self.shared;
        let by_path = || rules.iter().find(|rule| rule.paths.matches(path));
        let (rule, key) = if own.is_empty() {
            (by_path()?, key())
        } else {
            let key = key();
            let own = key.as_ref().and_then(|key| own.get(key));
            (own.or_else(by_path)?, key)
        };
        let (decision, now) = rule.decide(Asked::new(key), cost());
        self.evict_if_due(rule.made_at + now);
        Some(decision)
    }

    fn evict_if_due(&self, now: Nanos) {
        let Shared { evict_every, evict_at, .. } = &*self.shared;
        let due = evict_at.load(Ordering::Relaxed);
        let next = (now + *evict_every).as_u64();
        // One of the threads that find it due does it.
        if now.as_u64() >= due
            && evict_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.evict_idle();
        }
    }
}

impl<K: Key> Shared<K> {
    fn all(&self) -> impl Iterator<Item = &Arc<Rule<K>>> {
        self.rules.iter().chain(self.own.values())
    }
}

impl<K: Key> Rule<K> {
    fn new(paths: Paths, limit: Limit, epoch: Instant) -> Self {
        let made_at = epoch.elapsed().into();
        let governor = Governor::new(limit.quota(), Store::default(), TokioClock::default());
        let (capacity, interval) = (limit.capacity().get(), limit.interval().into());
        Self { paths, limit, capacity, interval, made_at, governor }
    }

    /// Also returns the time of the decision.
    fn decide(&self, asked: Asked<Option<K>>, cost: NonZeroU32) -> (Decision, Nanos) {
        // Not left to governor, whose product of cost and interval wraps before it is compared.
        let outcome = if cost.get() > self.capacity {
            None
        } else {
            self.governor.check_key_n(&asked, cost).ok()
        };
        let Some(outcome) = outcome else {
            let asked = asked.looking();
            let _ = self.governor.check_key(&asked);
            let now = self.governor.clock().now();
            let standing = self.standing(asked.full_at(), now);
            return (Decision::Never(self.limit, standing, cost), now);
        };
        // A moment after governor's.
        let now = self.governor.clock().now();
        let standing = self.standing(asked.full_at(), now);
        let decision = match outcome {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Decision::Pass(QuotaHeaders { remaining, ..standing })
            }
            Err(not_until) => {
                // What came back in that moment was not there.
                let remaining = standing.remaining.min(cost.get() - 1);
                let standing = QuotaHeaders { remaining, ..standing };
                Decision::Wait(self.limit, standing, not_until.wait_time_from(now))
            }
        };
        (decision, now)
    }

    fn standing(&self, full_at: Nanos, now: Nanos) -> QuotaHeaders {
        let reset = full_at.saturating_sub(now);
        let used = reset.as_u64().div_ceil(self.interval.as_u64());
        let used = u32::try_from(used).unwrap_or(u32::MAX);
        QuotaHeaders {
            unit: self.limit.unit(),
            limit: self.capacity,
            remaining: self.capacity.saturating_sub(used),
            reset: reset.into(),
        }
    }
}

impl<K: Key> Clone for Limiter<K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

/// Without the keys, which may be credentials.
impl<K: Key> fmt::Debug for Limiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = self.shared.rules.iter().map(|rule| (&rule.paths, &rule.limit));
        f.debug_struct("Limiter")
            .field("limits", &limits.collect::<Vec<_>>())
            .field("own", &self.shared.own.len())
            .field("keys", &self.len())
            .finish()
    }
}
