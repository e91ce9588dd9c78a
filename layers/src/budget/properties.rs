//! Whatever is reserved, settled and forgotten, in whatever order: the ledger is the sum of what
//! was settled.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Reserve {
        key: u8,
        estimate: Spend,
    },
    /// One of the open ones, by its place.
    Settle {
        which: usize,
        actual: Spend,
    },
    Cancel {
        which: usize,
    },
    Wait {
        seconds: u64,
    },
    Evict,
    /// Only what is kept survives.
    Restart,
}

fn spend() -> impl Strategy<Value = Spend> {
    (0..3u64, 0..40u64, 0..40u64).prop_map(|(requests, tokens, nanos)| Spend {
        requests,
        tokens,
        money: Money::from_nanos(nanos),
    })
}

fn step() -> impl Strategy<Value = Step> {
    let which = any::<usize>();
    let wait = prop_oneof![0..100u64, 3600..90_000u64, 86_400..8_000_000u64];
    prop_oneof![
        6 => (0..2u8, spend()).prop_map(|(key, estimate)| Step::Reserve { key, estimate }),
        5 => (which, spend()).prop_map(|(which, actual)| Step::Settle { which, actual }),
        1 => which.prop_map(|which| Step::Cancel { which }),
        2 => wait.prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::Evict),
        1 => Just(Step::Restart),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let amount = || prop::option::of(1..100u64);
    let amounts = (amount(), amount(), amount(), amount(), amount(), amount());
    amounts.prop_map(|(a, b, c, d, e, f)| {
        let all = Period::ALL.into_iter().flat_map(|p| Unit::ALL.map(|unit| (p, unit)));
        let given = all.zip([a, b, c, d, e, f]);
        given
            .filter_map(|((period, unit), amount)| Some(Limit { unit, period, amount: amount? }))
            .collect()
    })
}

/// All that was ever settled on one key, and what is open.
#[derive(Default)]
struct Books {
    settled: Vec<(SystemTime, Spend)>,
    open: Vec<Spend>,
}

impl Books {
    /// Added up from the beginning, period by period.
    fn used(&self, limit: Limit, now: SystemTime) -> u64 {
        let number = |at| limit.period.number(at);
        let Some(first) = self.settled.first().map(|(at, _)| number(*at)) else { return 0 };
        (first..=number(now)).fold(0u64, |before, period| {
            let debt = if period == first { 0 } else { before.saturating_sub(limit.amount) };
            let booked = self.settled.iter().filter(|(at, _)| number(*at) == period);
            debt + booked.map(|(_, spend)| spend.of(limit.unit)).sum::<u64>()
        })
    }

    fn reserved(&self, limit: Limit) -> u64 {
        self.open.iter().map(|spend| spend.of(limit.unit)).sum()
    }

    fn has_room(&self, limits: &Limits, estimate: Spend, now: SystemTime) -> bool {
        limits.iter().all(|limit| {
            let needed = estimate.of(limit.unit);
            needed == 0 || self.used(limit, now) + self.reserved(limit) + needed <= limit.amount
        })
    }
}

proptest! {
    #[test]
    fn it_is_the_sum_of_what_was_settled(
        limits in limits(),
        start in 0..4_000_000_000u64,
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut now = UNIX_EPOCH + Duration::from_secs(start);
        let mut ledger = Ledger::<u8>::new(limits);
        let mut changes = ledger.changes();
        let mut kept = std::collections::HashMap::new();
        let mut books = [Books::default(), Books::default()];
        let mut open: Vec<(u8, Reservation<u8>)> = vec![];
        // What was used beyond what was reserved, of each unit.
        let mut over = [0u64; 3];
        for step in steps {
            match step {
                Step::Reserve { key, estimate } => {
                    let book = &mut books[usize::from(key)];
                    let has_room = book.has_room(&limits, estimate, now);
                    match ledger.reserve(Some(key), estimate, now) {
                        Ok(reservation) => {
                            prop_assert!(has_room);
                            book.open.push(estimate);
                            open.push((key, reservation));
                        }
                        Err(exhausted) => {
                            prop_assert!(!has_room);
                            let limit = exhausted.limit;
                            let never = exhausted.needed > limit.amount;
                            prop_assert_eq!(exhausted.until == Recovery::Never, never);
                            if let Recovery::NextPeriod(wait) = exhausted.until {
                                prop_assert!(!wait.is_zero());
                                prop_assert_eq!(limit.period.number(now + wait), limit.period.number(now) + 1);
                            }
                        }
                    }
                }
                Step::Settle { which, actual } if !open.is_empty() => {
                    let (key, reservation) = open.swap_remove(which % open.len());
                    let (book, estimate) = (&mut books[usize::from(key)], reservation.estimate());
                    let at = book.open.iter().position(|spend| *spend == estimate).unwrap();
                    book.open.swap_remove(at);
                    book.settled.push((now, actual));
                    for unit in Unit::ALL {
                        over[unit as usize] += actual.of(unit).saturating_sub(estimate.of(unit));
                    }
                    reservation.settle(actual, now);
                }
                Step::Cancel { which } if !open.is_empty() => {
                    let (key, reservation) = open.swap_remove(which % open.len());
                    let (book, estimate) = (&mut books[usize::from(key)], reservation.estimate());
                    let at = book.open.iter().position(|spend| *spend == estimate).unwrap();
                    book.open.swap_remove(at);
                    reservation.settle(Spend::NOTHING, now);
                }
                Step::Wait { seconds } => now += Duration::from_secs(seconds),
                Step::Evict => ledger.evict_idle(now),
                Step::Restart if open.is_empty() => {
                    for change in changes.take() {
                        match change.record {
                            Some(record) => kept.insert(change.key, record),
                            None => kept.remove(&change.key),
                        };
                    }
                    ledger = Ledger::new(limits);
                    changes = ledger.changes();
                    ledger.restore(kept.clone(), now);
                }
                Step::Settle { .. } | Step::Cancel { .. } | Step::Restart => {}
            }
            for (key, book) in (0..).zip(&books) {
                for standing in ledger.standing(&Some(key), now) {
                    let limit = standing.limit;
                    prop_assert_eq!(standing.used, book.used(limit, now), "{}", limit);
                    prop_assert_eq!(standing.reserved, book.reserved(limit));
                    prop_assert!(standing.used <= limit.amount + over[limit.unit as usize]);
                    prop_assert!(standing.resets_at > now);
                }
            }
            prop_assert_eq!(ledger.open(), open.len());
        }
    }
}
