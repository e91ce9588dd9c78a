use std::{fmt, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};

use super::Settings;

/// The attempts that one request has left, and the waits before them. Pure: the caller passes in
/// the remaining time.
pub(super) struct Schedule {
    backoff: <ExponentialBuilder as BackoffBuilder>::Backoff,
    /// Retries that are left by the settings.
    retries: u32,
    /// Retries that were made.
    made: u32,
    cap: Duration,
}

/// Why an answer that could have been retried was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotRetried {
    /// The last attempt was made.
    Last,
    /// Another target is left, and this one has had its retries before a failover.
    Failover,
    /// Its circuit is open: another attempt would be refused.
    CircuitOpen,
    /// The target asks to be left alone for longer than the cap.
    TooLong,
    /// The total deadline comes first.
    NoTime,
    /// There were too many retries already, of all requests.
    NoBudget,
    /// The error's body is over what is held of it.
    TooLarge,
    /// The error's body fell silent.
    Silent,
    /// The error's body says that another attempt is no use.
    Said,
}

impl Schedule {
    pub(super) fn new(settings: &Settings) -> Self {
        Self::from_builder(settings, ExponentialBuilder::new())
    }

    /// With the builder's seed.
    fn from_builder(settings: &Settings, builder: ExponentialBuilder) -> Self {
        let backoff = builder
            .with_jitter()
            .with_min_delay(settings.base_delay)
            .with_max_delay(settings.max_delay)
            .without_max_times()
            .build();
        Self { backoff, retries: settings.max_retries, made: 0, cap: settings.max_delay }
    }

    /// Whether the attempt that is made next, or was made last, is the last one.
    pub(super) fn is_last(&self) -> bool {
        self.retries == 0
    }

    /// Retries that are left by the settings.
    pub(super) fn left(&self) -> u32 {
        self.retries
    }

    /// How long to wait before the next attempt, which is counted. `allowed` is how many retries
    /// the request may use, `asked` is what the target wants to be left alone for, `left` is the
    /// time until the total deadline.
    pub(super) fn next(
        &mut self,
        allowed: u32,
        asked: Option<Duration>,
        left: Option<Duration>,
    ) -> Result<Duration, NotRetried> {
        let asked = asked.unwrap_or_default();
        if self.is_last() {
            return Err(NotRetried::Last);
        }
        if self.made >= allowed {
            return Err(NotRetried::Failover);
        }
        if asked > self.cap {
            return Err(NotRetried::TooLong);
        }
        let delay = self.backoff.next().unwrap_or(self.cap);
        // The builder's own cap does not bound the first delay, nor the jitter.
        let wait = delay.min(self.cap).max(asked);
        if left.is_some_and(|left| left <= wait) {
            return Err(NotRetried::NoTime);
        }
        self.retries -= 1;
        self.made += 1;
        Ok(wait)
    }

    /// The wait before the next attempt, which was counted, once the error's body has named
    /// another one.
    pub(super) fn extended(
        &self,
        wait: Duration,
        asked: Option<Duration>,
    ) -> Result<Duration, NotRetried> {
        let asked = asked.unwrap_or_default();
        if asked > self.cap { Err(NotRetried::TooLong) } else { Ok(wait.max(asked)) }
    }
}

impl fmt::Display for NotRetried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Last => "it was the last attempt",
            Self::Failover => "another target is left",
            Self::CircuitOpen => "its circuit is open",
            Self::TooLong => "the wait it asks for is over the cap",
            Self::NoTime => "the total deadline comes first",
            Self::NoBudget => "the budget is used up",
            Self::TooLarge => "its body is too large to be held",
            Self::Silent => "its body fell silent",
            Self::Said => "its body says that it is no use",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_rules_of_the_wait() {
        let fixed = Settings { base_delay: ms(0), max_delay: ms(10_000), ..Settings::default() };
        let tight = Settings { base_delay: ms(500), max_delay: ms(500), ..Settings::default() };
        let off = Settings { max_retries: 0, ..Settings::default() };
        for (settings, asked, left, expected) in [
            (&fixed, None, None, Ok(0)),
            (&fixed, Some(2000), None, Ok(2000)),
            (&fixed, Some(10_000), None, Ok(10_000)),
            (&fixed, Some(10_001), None, Err(NotRetried::TooLong)),
            (&fixed, Some(3_600_000), Some(1), Err(NotRetried::TooLong)),
            (&fixed, Some(2000), Some(2001), Ok(2000)),
            (&fixed, Some(2000), Some(2000), Err(NotRetried::NoTime)),
            (&fixed, None, Some(0), Err(NotRetried::NoTime)),
            (&tight, None, None, Ok(500)),
            (&tight, Some(100), None, Ok(500)),
            (&tight, None, Some(500), Err(NotRetried::NoTime)),
            (&tight, None, Some(501), Ok(500)),
            (&off, None, None, Err(NotRetried::Last)),
        ] {
            let next = Schedule::new(settings).next(3, asked.map(ms), left.map(ms));
            assert_eq!(next, expected.map(ms), "{asked:?} {left:?}");
        }
    }

    #[test]
    fn a_body_may_ask_for_more() {
        let settings = Settings { max_delay: ms(500), ..Settings::default() };
        let schedule = Schedule::new(&settings);
        for (asked, expected) in [
            (None, Ok(100)),
            (Some(99), Ok(100)),
            (Some(500), Ok(500)),
            (Some(501), Err(NotRetried::TooLong)),
        ] {
            assert_eq!(schedule.extended(ms(100), asked.map(ms)), expected.map(ms), "{asked:?}");
        }
    }

    #[test]
    fn the_default_waits_double_with_up_to_as_much_jitter() {
        let mut schedule = Schedule::new(&Settings::default());
        for base in [500, 1000, 2000] {
            assert!(!schedule.is_last());
            let wait = schedule.next(3, None, None).unwrap();
            assert!((ms(base)..=ms(2 * base)).contains(&wait), "{wait:?}");
        }
        assert!(schedule.is_last());
        assert_eq!(schedule.next(3, None, None), Err(NotRetried::Last));
    }

    #[test]
    fn what_the_request_may_use_bounds_the_retries() {
        let mut schedule = Schedule::new(&Settings::default());
        assert!(schedule.next(1, None, None).is_ok());
        assert_eq!(schedule.next(1, None, None), Err(NotRetried::Failover));
        assert_eq!(schedule.left(), 2);
        assert_eq!(
            Schedule::new(&Settings::default()).next(0, None, None),
            Err(NotRetried::Failover)
        );
    }

    proptest! {
        #[test]
        fn a_wait_is_never_over_the_cap_nor_under_what_was_asked_for(
            seed: u64,
            max_retries in 0..20u32,
            base in prop_oneof![0..20_000u64, Just(u64::MAX / 1_000_000)],
            cap in prop_oneof![0..20_000u64, Just(u64::MAX / 1_000_000)],
            asked in prop::collection::vec(prop::option::of(0..30_000u64), 30),
        ) {
            let settings = Settings {
                max_retries,
                base_delay: ms(base),
                max_delay: ms(cap),
                ..Settings::default()
            };
            let builder = ExponentialBuilder::new().with_jitter_seed(seed);
            let mut schedule = Schedule::from_builder(&settings, builder);
            let mut waits = 0;
            for asked in asked {
                match schedule.next(u32::MAX, asked.map(ms), None) {
                    Ok(wait) => {
                        waits += 1;
                        prop_assert!(wait <= ms(cap));
                        prop_assert!(wait >= ms(base.min(cap)).max(ms(asked.unwrap_or(0))));
                    }
                    Err(NotRetried::TooLong) => prop_assert!(asked.unwrap() > cap),
                    Err(kept) => prop_assert!(kept == NotRetried::Last && waits == max_retries),
                }
            }
            prop_assert!(waits <= max_retries);
        }
    }
}
