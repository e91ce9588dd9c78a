use std::{
    sync::Barrier,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use static_assertions::{assert_impl_all, assert_not_impl_any};
use tokio_test::{assert_pending, assert_ready, task};

use super::{Recovery::*, *};

assert_impl_all!(Ledger<u32>: Send, Sync, Clone, std::fmt::Debug);
assert_impl_all!(Reservation<u32>: Send, Sync, std::fmt::Debug);
assert_not_impl_any!(Reservation<u32>: Clone);
assert_impl_all!(Changes<u32>: Send, Sync);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// So many seconds into 2026-11-`day`.
fn november(day: u32, seconds: u64) -> SystemTime {
    // 2026-11-01T00:00:00Z
    UNIX_EPOCH + Duration::from_secs(1_793_491_200 + seconds) + (day - 1) * DAY
}

fn tokens(tokens: u64) -> Spend {
    Spend { requests: 1, tokens, money: Money::ZERO }
}

fn ledger(limits: impl Into<Limits>) -> Ledger<u32> {
    Ledger::new(limits.into())
}

fn used(ledger: &Ledger<u32>, now: SystemTime) -> Vec<(u64, u64)> {
    let standing = ledger.standing(&Some(1), now);
    standing.iter().map(|standing| (standing.used, standing.reserved)).collect()
}

fn spent(ledger: &Ledger<u32>, amount: u64, now: SystemTime) {
    ledger.reserve(Some(1), Spend::NOTHING, now).unwrap().settle(tokens(amount), now);
}

#[test]
fn what_is_reserved_and_used_together_stays_within_the_limit() {
    let ledger = ledger([Limit::tokens(100, Period::Day)]);
    let now = november(3, 0);
    let first = ledger.reserve(Some(1), tokens(70), now).unwrap();
    let refused = ledger.reserve(Some(1), tokens(31), now).unwrap_err();
    assert_eq!((refused.needed, refused.left, refused.until), (31, 30, Settled));
    let second = ledger.reserve(Some(1), tokens(30), now).unwrap();
    assert_eq!(used(&ledger, now), [(0, 100)]);
    first.settle(tokens(20), now);
    assert_eq!(used(&ledger, now), [(20, 30)]);
    drop(second);
    assert_eq!((used(&ledger, now), ledger.open()), (vec![(20, 0)], 0), "given back");
    let refused = ledger.reserve(Some(1), tokens(81), now).unwrap_err();
    assert_eq!((refused.left, refused.until), (80, NextPeriod(DAY)));
    assert!(ledger.reserve(Some(1), tokens(80), now).is_ok());
    assert!(ledger.reserve(Some(2), tokens(100), now).is_ok(), "another account");
    assert!(ledger.reserve(None, tokens(100), now).is_ok(), "no key is a key");
}

#[test]
fn the_limit_that_lasts_longest_is_told() {
    let limits = [
        Limit::requests(1, Period::Day),
        Limit::tokens(100, Period::Month),
        Limit::money(Money::from_dollars(1), Period::Day),
    ];
    let ledger = ledger(limits);
    let now = november(29, 100);
    spent(&ledger, 100, now);
    let refused = ledger.reserve(Some(1), tokens(1), now).unwrap_err();
    let wait = 2 * DAY - Duration::from_secs(100);
    assert_eq!((refused.limit, refused.until), (limits[1], NextPeriod(wait)));
    assert_eq!(refused.to_string(), "the budget of 100 tokens per month is used up");

    let both = Spend { money: Money::from_nanos(1_000_000_001), ..tokens(1) };
    let refused = ledger.reserve(Some(1), both, now).unwrap_err();
    assert_eq!((refused.limit, refused.until, refused.retry_after()), (limits[2], Never, None));
    assert_eq!(
        refused.to_string(),
        "the request may take 1.000000001 USD, but the budget of 1 USD per day never has more"
    );
}

#[test]
fn a_refusal_says_what_is_left() {
    let ledger = ledger([Limit::tokens(100, Period::Day)]);
    let now = november(1, 0);
    spent(&ledger, 99, now);
    let refused = ledger.reserve(Some(1), tokens(2), now).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the budget of 100 tokens per day is used up: 1 token left, and the request may take 2 tokens"
    );
    let _open = ledger.reserve(Some(1), tokens(1), now).unwrap();
    let refused = ledger.reserve(Some(1), tokens(1), now).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the budget of 100 tokens per day is reserved by requests under way"
    );
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(1)));
}

#[test]
fn what_takes_nothing_of_a_limit_is_not_held_up_by_it() {
    let limits = [Limit::money(Money::from_nanos(5), Period::Day)];
    let ledger = ledger(limits);
    let now = november(1, 0);
    let paid = |nanos| Spend { money: Money::from_nanos(nanos), ..Spend::NOTHING };
    ledger.reserve(Some(1), paid(5), now).unwrap().settle(paid(9), now);
    assert!(ledger.reserve(Some(1), paid(1), now).is_err());
    assert!(ledger.reserve(Some(1), tokens(1000), now).is_ok());
}

#[test]
fn a_period_begins_anew_and_debt_carries_over() {
    let limits = [Limit::tokens(100, Period::Day), Limit::tokens(250, Period::Month)];
    let ledger = ledger(limits);
    spent(&ledger, 320, november(28, 5));
    assert_eq!(used(&ledger, november(28, 86_399)), [(320, 0), (320, 0)]);
    assert_eq!(used(&ledger, november(29, 0)), [(220, 0), (320, 0)]);
    // Two days on, two limits less; the month's end takes one of its own.
    assert_eq!(used(&ledger, november(31, 0)), [(20, 0), (70, 0)]);
    assert_eq!(used(&ledger, november(32, 0)), [(0, 0), (70, 0)]);
    assert_eq!(used(&ledger, november(62, 0)), [(0, 0), (0, 0)]);
}

#[test]
fn what_is_under_way_at_midnight_stands_against_both_days() {
    let ledger = ledger([Limit::tokens(100, Period::Day)]);
    let (evening, morning) = (november(1, 86_399), november(2, 0));
    let late = ledger.reserve(Some(1), tokens(60), evening).unwrap();
    assert!(ledger.reserve(Some(1), tokens(50), morning).is_err());
    late.settle(tokens(30), morning);
    assert_eq!(used(&ledger, morning), [(30, 0)], "booked to the day in which it ended");
}

#[test]
fn a_clock_that_goes_back_gives_nothing_back() {
    let ledger = ledger([Limit::tokens(100, Period::Day)]);
    spent(&ledger, 60, november(2, 0));
    // Another thread read it a moment earlier.
    spent(&ledger, 30, november(1, 86_399));
    assert_eq!(used(&ledger, november(2, 1)), [(90, 0)]);
    // It was in the far future by mistake.
    spent(&ledger, 0, november(300, 0));
    spent(&ledger, 70, november(300, 1));
    assert_eq!(used(&ledger, november(3, 0)), [(70, 0)]);
    assert_eq!(used(&ledger, november(4, 0)), [(0, 0)]);
}

#[test]
fn limits_can_be_changed_under_way() {
    let ledger = ledger([Limit::tokens(100, Period::Day)]);
    let now = november(1, 0);
    spent(&ledger, 90, now);
    ledger.set_limits(|key| match key {
        Some(1) => {
            Limits::from([Limit::tokens(80, Period::Day), Limit::tokens(200, Period::Month)])
        }
        _ => Limits::NONE,
    });
    assert_eq!(used(&ledger, now), [(90, 0), (90, 0)], "what was used stays used");
    assert!(ledger.reserve(Some(1), tokens(1), now).is_err());
    assert!(ledger.reserve(Some(2), tokens(u64::MAX), now).is_ok());
    assert_eq!(used(&ledger, november(2, 0)), [(10, 0), (90, 0)]);
}

#[test]
fn the_largest_numbers_do_not_wrap() {
    let most = Spend { requests: u64::MAX, tokens: u64::MAX, money: Money::from_nanos(u64::MAX) };
    let ledger = ledger([Limit::tokens(u64::MAX, Period::Day)]);
    let now = november(1, 0);
    ledger.set_limits(|_| Limits::NONE);
    let open: Vec<_> = (0..3).map(|_| ledger.reserve(Some(1), most, now).unwrap()).collect();
    ledger.set_limits(|_| Limits::from([Limit::tokens(u64::MAX, Period::Day)]));
    assert_eq!(used(&ledger, now), [(0, u64::MAX)]);
    assert!(ledger.reserve(Some(1), tokens(1), now).is_err());
    open.into_iter().for_each(|reservation| reservation.settle(most, now));
    assert_eq!(used(&ledger, now), [(u64::MAX, 0)]);
    assert_eq!(used(&ledger, november(2, 0)), [(0, 0)]);
}

#[test]
fn accounts_that_say_nothing_are_forgotten() {
    let ledger = ledger([Limit::tokens(100, Period::Day)]);
    let now = november(1, 0);
    for key in 0..1000 {
        drop(ledger.reserve(Some(key), tokens(1), now));
    }
    let open = ledger.reserve(Some(1), tokens(1), now).unwrap();
    ledger.reserve(Some(2), tokens(1), now).unwrap().settle(tokens(1), now);
    assert_eq!(ledger.len(), 1000);
    drop(ledger.reserve(Some(5000), tokens(1), now + Duration::from_secs(59)));
    assert_eq!(ledger.len(), 1001, "it is not yet time");
    drop(ledger.reserve(Some(6000), tokens(1), now + Duration::from_secs(60)));
    assert_eq!(ledger.len(), 3, "the open one, the one that used something, and this");
    let tomorrow = november(2, 0);
    ledger.evict_idle(tomorrow);
    assert_eq!(ledger.keys(), [Some(1)]);
    open.settle(tokens(7), tomorrow);
    assert_eq!(used(&ledger, tomorrow), [(7, 0)], "it was not forgotten");
    ledger.evict_idle(november(3, 0));
    assert!(ledger.is_empty());
}

#[test]
fn when_nobody_reads_changes_any_more_none_are_kept() {
    let ledger = ledger([Limit::tokens(100, Period::Day)]);
    let [first, second] = [ledger.changes(), ledger.changes()];
    spent(&ledger, 1, november(1, 0));
    drop(first);
    assert_eq!(second.take().len(), 1, "there is another one");
    spent(&ledger, 1, november(1, 0));
    drop(second);
    spent(&ledger, 1, november(1, 0));
    ledger.evict_idle(november(2, 0));
    assert!(ledger.is_empty(), "no change holds the account");
    let again = ledger.changes();
    assert_eq!(again.take(), []);
    spent(&ledger, 1, november(2, 0));
    assert_eq!(again.take().len(), 1);
}

#[test]
fn changes_are_told_once_each_and_forgotten_accounts_too() {
    let ledger = ledger([Limit::tokens(100, Period::Day)]);
    let now = november(1, 0);
    spent(&ledger, 1, now);
    let changes = ledger.changes();
    assert_eq!(changes.take(), [], "nobody asked before");
    let mut waiting = task::spawn(changes.changed());
    assert_pending!(waiting.poll());
    drop(ledger.reserve(Some(1), tokens(5), now));
    assert_pending!(waiting.poll(), "what is given back changes nothing");
    spent(&ledger, 2, now);
    spent(&ledger, 3, now);
    assert!(waiting.is_woken());
    assert_ready!(waiting.poll());
    let taken = changes.take();
    let [Change { key: Some(1), record: Some(record) }] = taken[..] else { panic!("{taken:?}") };
    assert_eq!(
        (record.day.spend, record.month.spend),
        (Spend { requests: 3, ..tokens(6) }, Spend { requests: 3, ..tokens(6) })
    );
    assert_eq!(changes.take(), []);
    spent(&ledger, 1, now);
    assert_eq!(changes.take().len(), 1, "and again");

    ledger.evict_idle(november(2, 0));
    assert_eq!(changes.take(), [Change { key: Some(1), record: None }]);
    ledger.evict_idle(november(2, 0));
    assert_eq!(changes.take(), []);
}

#[test]
fn what_was_kept_is_restored() {
    let limits = [Limit::tokens(100, Period::Day), Limit::tokens(500, Period::Month)];
    let before = ledger(limits);
    let changes = before.changes();
    let now = november(5, 7);
    spent(&before, 130, now);
    before.reserve(Some(2), tokens(1), now).unwrap().settle(tokens(1), now);
    let kept: Vec<_> =
        changes.take().into_iter().map(|change| (change.key, change.record.unwrap())).collect();

    for (later, expected) in [
        (now, [(130, 0), (130, 0)]),
        (november(6, 0), [(30, 0), (130, 0)]),
        (november(60, 0), [(0, 0), (0, 0)]),
    ] {
        let after = ledger(limits);
        let changes = after.changes();
        after.restore(kept.clone(), later);
        assert_eq!(used(&after, later), expected);
        let forgotten = if later > november(31, 0) { 2 } else { 0 };
        assert_eq!(changes.take().len(), forgotten, "those need not be kept any more");
    }
}

#[tokio::test]
async fn one_can_wait_until_all_is_settled() {
    let ledger = ledger([Limit::tokens(100, Period::Day)]);
    let now = november(1, 0);
    ledger.settled().await;
    let first = ledger.reserve(Some(1), tokens(1), now).unwrap();
    let second = ledger.reserve(Some(2), tokens(1), now).unwrap();
    let mut waiting = task::spawn(ledger.settled());
    assert_pending!(waiting.poll());
    first.settle(tokens(1), now);
    assert_pending!(waiting.poll());
    drop(second);
    assert_ready!(waiting.poll());
}

/// Half of them cancel, half of the others use twice of what they reserved.
#[test]
fn threads_at_once_reserve_no_more_than_there_is() {
    const EACH: u64 = 10;
    let now = november(1, 0);
    for round in 0..20 {
        let ledger =
            ledger([Limit::tokens(600, Period::Day), Limit::requests(1000, Period::Month)]);
        let changes = ledger.changes();
        let at_once = Barrier::new(8);
        let (admitted, over): (Vec<u64>, Vec<u64>) = thread::scope(|scope| {
            let ask = |thread: u64| {
                let (ledger, at_once) = (&ledger, &at_once);
                move || {
                    at_once.wait();
                    let (mut admitted, mut over) = (0, 0);
                    for n in 0..50 {
                        let Ok(reservation) = ledger.reserve(Some(1), tokens(EACH), now) else {
                            continue;
                        };
                        let [day, _] = ledger.standing(&Some(1), now)[..] else { panic!() };
                        assert!(day.reserved <= 600, "{day:?}");
                        match (n + thread + round) % 4 {
                            0 | 1 => drop(reservation),
                            2 => {
                                admitted += EACH;
                                reservation.settle(tokens(EACH), now);
                            }
                            _ => {
                                (admitted, over) = (admitted + EACH, over + EACH);
                                reservation.settle(tokens(2 * EACH), now);
                            }
                        }
                    }
                    (admitted, over)
                }
            };
            let threads: Vec<_> = (0..8).map(|thread| scope.spawn(ask(thread))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).unzip()
        });
        let (admitted, over): (u64, u64) = (admitted.iter().sum(), over.iter().sum());
        let [(day, reserved), (requests, _)] = used(&ledger, now)[..] else { panic!() };
        assert_eq!((day, reserved, ledger.open()), (admitted + over, 0, 0), "nothing is lost");
        assert!(day <= 600 + over, "{day} used, {over} over");
        assert_eq!(requests, admitted / EACH);
        let kept = changes.take();
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].record.unwrap().day.spend.tokens, day, "the last word was told");
    }
}

/// Each takes all that is left at once: what one may have, no other has.
#[test]
fn two_hundred_threads_share_sixty() {
    let ledger = ledger([Limit::requests(60, Period::Day)]);
    let (now, at_once) = (november(1, 0), Barrier::new(200));
    let ask = || {
        at_once.wait();
        let reservation = ledger.reserve(Some(1), tokens(1), now);
        reservation.map(|reservation| reservation.settle(tokens(1), now)).is_ok()
    };
    let passed = thread::scope(|scope| {
        let threads: Vec<_> = (0..200).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).filter(|passed| *passed).count()
    });
    assert_eq!(passed, 60);
}
