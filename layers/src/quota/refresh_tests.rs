//! When a source is read, and what becomes of what it said.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::{advance, sleep};

use super::*;
use crate::{Dialect, Target};

/// What a read does.
#[derive(Clone, Copy)]
enum Play {
    Tell(bool),
    Fail(&'static str),
    Hang,
    Panic,
}

/// A source under the test's control.
#[derive(Clone)]
struct Script(Arc<Inner>);

struct Inner {
    play: Mutex<Play>,
    takes: Mutex<Duration>,
    reads: AtomicU32,
    open: AtomicUsize,
    most: AtomicUsize,
}

struct Open(Arc<Inner>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Script {
    fn new(play: Play) -> Self {
        Self(Arc::new(Inner {
            play: Mutex::new(play),
            takes: Mutex::default(),
            reads: AtomicU32::new(0),
            open: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        }))
    }

    fn play(&self, play: Play) {
        *self.0.play.lock() = play;
    }

    fn reads(&self) -> u32 {
        self.0.reads.load(Ordering::Relaxed)
    }
}

impl QuotaSource for Script {
    fn name(&self) -> &str {
        "script"
    }

    fn ttl(&self) -> Duration {
        seconds(10)
    }

    fn time_limit(&self) -> Duration {
        seconds(5)
    }

    fn read(&self) -> Reading<'_> {
        let (play, takes) = (*self.0.play.lock(), *self.0.takes.lock());
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        let open = self.0.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.most.fetch_max(open, Ordering::Relaxed);
        let open = Open(self.0.clone());
        Box::pin(async move {
            let _open = open;
            sleep(takes).await;
            match play {
                Play::Tell(available) => {
                    Ok(vec![("p".to_owned(), Snapshot::new(available, "told"))])
                }
                Play::Fail(why) => Err(why.into()),
                Play::Hang => std::future::pending().await,
                Play::Panic => panic!("a source of the test's"),
            }
        })
    }
}

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Lets the background run up to this moment.
async fn pass(time: Duration) {
    advance(time).await;
    sleep(Duration::from_millis(1)).await;
}

fn watched(play: Play) -> (Quotas, Script) {
    let (quotas, script) = (Quotas::default(), Script::new(play));
    quotas.watch(script.clone());
    (quotas, script)
}

fn asks(quotas: &Quotas) -> bool {
    let target = Target { provider: "p".into(), model: "m".into(), dialect: Dialect::Chat };
    quotas.admit(&target).is_ok()
}

#[tokio::test(start_paused = true)]
async fn it_is_read_at_once_and_then_every_ttl() {
    let (quotas, script) = watched(Play::Tell(false));
    assert!(asks(&quotas), "nothing is known yet");
    pass(seconds(0)).await;
    assert!((script.reads(), asks(&quotas)) == (1, false));
    script.play(Play::Tell(true));
    pass(seconds(9)).await;
    assert!((script.reads(), asks(&quotas)) == (1, false));
    pass(seconds(1)).await;
    assert!((script.reads(), asks(&quotas)) == (2, true));
}

#[tokio::test(start_paused = true)]
async fn stale_is_served_while_it_is_read_and_there_is_one_read_at_a_time() {
    let (quotas, script) = watched(Play::Tell(false));
    pass(seconds(0)).await;
    *script.0.takes.lock() = seconds(4);
    script.play(Play::Tell(true));
    for _ in 0..13 {
        assert!(!asks(&quotas), "the first word, also while the second read is under way");
        pass(seconds(1)).await;
    }
    pass(seconds(2)).await;
    assert!(asks(&quotas));
    for _ in 0..100 {
        pass(seconds(1)).await;
        quotas.list();
    }
    assert_eq!(script.0.most.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failing_source_is_believed_for_three_ttl_and_then_blocks_nothing() {
    for failure in [Play::Fail("broken"), Play::Hang] {
        let (quotas, script) = watched(Play::Tell(false));
        pass(seconds(0)).await;
        script.play(failure);
        for _ in 0..29 {
            pass(seconds(1)).await;
            assert!(!asks(&quotas));
        }
        for _ in 0..20 {
            pass(seconds(1)).await;
            quotas.list();
        }
        assert!(asks(&quotas) && quotas.list().is_empty());
        script.play(Play::Tell(false));
        pass(seconds(10)).await;
        pass(seconds(5)).await;
        assert!(!asks(&quotas), "it is read again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_blocks_nothing() {
    let (quotas, script) = watched(Play::Tell(false));
    pass(seconds(0)).await;
    script.play(Play::Panic);
    assert!(!asks(&quotas));
    pass(seconds(10)).await;
    assert!(asks(&quotas) && quotas.list().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nobody_reads_for_nobody() {
    let (quotas, script) = watched(Play::Tell(false));
    for _ in 0..200 {
        pass(seconds(10)).await;
    }
    let paused = script.reads();
    assert!((58..=62).contains(&paused), "ten minutes long: {paused}");
    assert!(!asks(&quotas), "what is known is served");
    pass(seconds(0)).await;
    assert_eq!(script.reads(), paused + 1, "and read anew at once");
    for _ in 0..5 {
        pass(seconds(10)).await;
    }
    assert_eq!(script.reads(), paused + 6);
}

#[tokio::test(start_paused = true)]
async fn the_reads_end_with_the_last_handle() {
    let (quotas, script) = watched(Play::Hang);
    pass(seconds(1)).await;
    let other = quotas.clone();
    drop(quotas);
    pass(seconds(1)).await;
    assert_eq!(Arc::strong_count(&script.0), 3, "the test's, the task's and the read's");
    drop(other);
    pass(seconds(0)).await;
    assert_eq!((Arc::strong_count(&script.0), script.0.open.load(Ordering::Relaxed)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn when_it_is_stopped_nothing_is_left_of_a_read() {
    let (quotas, script) = watched(Play::Tell(false));
    pass(seconds(0)).await;
    script.play(Play::Hang);
    pass(seconds(10)).await;
    assert_eq!(script.0.open.load(Ordering::Relaxed), 1);
    quotas.stop().await;
    assert_eq!((script.0.open.load(Ordering::Relaxed), Arc::strong_count(&script.0)), (0, 1));
    assert!(!asks(&quotas), "what is known stays");
}

#[tokio::test(start_paused = true)]
async fn who_is_not_watched_any_more_has_no_word() {
    let (quotas, script) = watched(Play::Tell(false));
    let other = Script::new(Play::Tell(true));
    let watched = quotas.watch_first(other.clone());
    pass(seconds(0)).await;
    assert!(asks(&quotas), "the first one counts");
    other.play(Play::Hang);
    pass(seconds(10)).await;
    quotas.unwatch(&watched);
    pass(seconds(0)).await;
    assert_eq!((other.0.open.load(Ordering::Relaxed), Arc::strong_count(&other.0)), (0, 1));
    assert!(!asks(&quotas), "the other one is read as before");
    pass(seconds(10)).await;
    assert_eq!((other.reads(), script.reads()), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn names_may_change() {
    let (quotas, _script) = watched(Play::Tell(false));
    pass(seconds(0)).await;
    assert!(!asks(&quotas));
    quotas.set_names([("p", ["another"])]);
    assert!(asks(&quotas));
    quotas.set_names([("p", ["another", "p"])]);
    assert!(!asks(&quotas), "what is known stays");
}
