//! Cooldowns: targets that asked not to be called, and until when.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::RwLock;
use tokio::time::Instant;

use crate::Target;

/// Maximum cooldown; a longer wait that a provider states is capped.
const MAX_COOLDOWN: Duration = Duration::from_secs(24 * 60 * 60);

/// Maximum number of cooldowns that are kept at a time.
const MAX_COOLDOWNS: usize = 4096;

/// The targets and providers that asked to be left alone, and until when, for 24 h at most. A
/// shared handle: a layer that is built anew goes on with it.
#[derive(Clone, Debug, Default)]
pub struct Cooldowns(Arc<RwLock<HashMap<Key, Instant>>>);

/// Reason of a cooldown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HoldReason {
    /// It answered 429 and said how long.
    RateLimited,
    /// Its provider said that nothing is left to spend.
    Exhausted,
}

/// `model` is `None` for the provider as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    provider: Arc<str>,
    model: Option<Arc<str>>,
}

impl Cooldowns {
    /// Leaves the target alone for this long. The longest known wait wins.
    pub fn hold_target(&self, target: &Target, wait: Duration, now: Instant) {
        let model = Some(target.model.clone());
        self.hold(Key { provider: target.provider.clone(), model }, wait, now);
    }

    /// Leaves all targets of a provider alone for this long. The longest known wait wins.
    pub fn hold_provider(&self, provider: &Arc<str>, wait: Duration, now: Instant) {
        self.hold(Key { provider: provider.clone(), model: None }, wait, now);
    }

    fn hold(&self, key: Key, wait: Duration, now: Instant) {
        let until = now + wait.min(MAX_COOLDOWN);
        let mut held = self.0.write();
        // The names come from clients, so what is over must not stay.
        held.retain(|_, until| *until > now);
        if held.len() >= MAX_COOLDOWNS && !held.contains_key(&key) {
            return;
        }
        let entry = held.entry(key).or_insert(until);
        *entry = until.max(*entry);
    }

    /// Forgets what the providers asked for that are not to be kept: those that are gone, or that
    /// are others by now.
    pub fn retain(&self, mut keep: impl FnMut(&str) -> bool) {
        self.0.write().retain(|key, _| keep(&key.provider));
    }

    /// Whether there are no cooldowns; expired ones may still be counted.
    pub fn is_empty(&self) -> bool {
        self.0.read().is_empty()
    }

    /// Remaining cooldown of the target; `None` without one.
    pub fn remaining(&self, target: &Target, now: Instant) -> Option<Duration> {
        self.find(target, now).map(|(wait, _)| wait)
    }

    /// Remaining cooldown of the target, and its reason; `None` without one.
    pub fn find(&self, target: &Target, now: Instant) -> Option<(Duration, HoldReason)> {
        let held = self.0.read();
        if held.is_empty() {
            return None;
        }
        let provider = target.provider.clone();
        let holds =
            [(Some(target.model.clone()), HoldReason::RateLimited), (None, HoldReason::Exhausted)];
        let (until, reason) = holds
            .into_iter()
            .filter_map(|(model, reason)| {
                Some((held.get(&Key { provider: provider.clone(), model })?, reason))
            })
            .max_by_key(|(until, _)| **until)?;
        let wait = until.saturating_duration_since(now);
        (!wait.is_zero()).then_some((wait, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(model: &str) -> Target {
        Target { provider: "p".into(), model: model.into(), dialect: crate::Dialect::Chat }
    }

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_wait_wins_and_ends() {
        let (cooldowns, now) = (Cooldowns::default(), Instant::now());
        cooldowns.hold_target(&target("a"), seconds(60), now);
        cooldowns.hold_target(&target("a"), seconds(5), now);
        assert_eq!(cooldowns.remaining(&target("a"), now), Some(seconds(60)));
        assert_eq!(cooldowns.remaining(&target("b"), now), None, "another model is not concerned");
        assert_eq!(cooldowns.remaining(&target("a"), now + seconds(60)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_stands_for_all_its_targets() {
        let (cooldowns, now) = (Cooldowns::default(), Instant::now());
        cooldowns.hold_provider(&"p".into(), seconds(10), now);
        cooldowns.hold_target(&target("a"), seconds(20), now);
        assert_eq!(cooldowns.remaining(&target("a"), now), Some(seconds(20)));
        assert_eq!(cooldowns.remaining(&target("b"), now), Some(seconds(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_is_gone_is_forgotten() {
        let (cooldowns, now) = (Cooldowns::default(), Instant::now());
        cooldowns.hold_target(&target("a"), seconds(10), now);
        cooldowns.hold_provider(&"q".into(), seconds(10), now);
        cooldowns.retain(|provider| provider == "q");
        assert_eq!(cooldowns.remaining(&target("a"), now), None);
        assert!(!cooldowns.is_empty());
        cooldowns.retain(|_| false);
        assert!(cooldowns.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn waits_are_bounded_in_length_and_number() {
        let (cooldowns, now) = (Cooldowns::default(), Instant::now());
        cooldowns.hold_target(&target("long"), Duration::MAX, now);
        assert_eq!(cooldowns.remaining(&target("long"), now), Some(MAX_COOLDOWN));
        for n in 0..1000 {
            cooldowns.hold_target(&target(&n.to_string()), seconds(1), now + seconds(2 * n));
        }
        assert!(cooldowns.0.read().len() <= 2);
        for n in 0..2 * MAX_COOLDOWNS {
            cooldowns.hold_target(&target(&format!("{n} at once")), seconds(1), now);
        }
        assert_eq!(cooldowns.0.read().len(), MAX_COOLDOWNS);
    }
}
