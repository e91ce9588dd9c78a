use std::{sync::Barrier, time::Duration};

use tokio::{
    sync::broadcast::error::{RecvError, TryRecvError},
    time::{Instant, advance},
};

use super::{permit::Permit, *};
use crate::exchange::Outcome;

const SECOND: Duration = Duration::from_secs(1);

fn admit(handle: &Handle, key: &str) -> Result<Permit, Status> {
    handle.admit(&KeyRef::name(key), Settings::default(), Instant::now())
}

fn settle(handle: &Handle, key: &str, outcome: Outcome) {
    admit(handle, key).unwrap().settle(outcome.into(), None);
}

fn trip(handle: &Handle, key: &str) {
    (0..3).for_each(|_| settle(handle, key, Outcome::Fault));
}

#[tokio::test(start_paused = true)]
async fn it_lists_how_all_of_them_stand() {
    let handle = Handle::new();
    trip(&handle, "b");
    settle(&handle, "a", Outcome::Fault);
    handle.force_open(KeyRef::name("c"));
    handle.force_close(KeyRef::Shared);
    advance(SECOND * 10).await;
    let list: Vec<_> = handle.list().iter().map(|s| format!("{}: {s}", s.key)).collect();
    let stand = ["shared: forced closed", "a: closed", "b: open, probe in 20 s", "c: forced open"];
    assert_eq!(list, stand);
    let b = handle.status(&Key::name("b")).unwrap();
    assert_eq!(b.since.elapsed(), SECOND * 10);
    assert_eq!(handle.status(KeyRef::name("d")), None);
    handle.release(KeyRef::name("d"));
    assert_eq!(handle.count(), 4, "looking makes none");
}

#[tokio::test(start_paused = true)]
async fn subscribers_see_every_transition_in_order() {
    let handle = Handle::new();
    let mut seen = handle.subscribe();
    trip(&handle, "a");
    advance(SECOND * 30).await;
    settle(&handle, "a", Outcome::Fault);
    advance(SECOND * 30).await;
    settle(&handle, "a", Outcome::Success);
    handle.force_open(KeyRef::name("a"));
    handle.release(KeyRef::name("a"));
    use CircuitState::*;
    for (from, to, cause) in [
        (Closed, Open, Cause::ConsecutiveFaults(3)),
        (Open, HalfOpen, Cause::ProbeDue),
        (HalfOpen, Open, Cause::ProbeFault),
        (Open, HalfOpen, Cause::ProbeDue),
        (HalfOpen, Closed, Cause::ProbeSuccess),
        (Closed, Open, Cause::Forced),
        (Open, Closed, Cause::Released),
    ] {
        let transition = seen.try_recv().unwrap();
        assert_eq!((transition.from, transition.to, transition.cause), (from, to, cause));
        assert_eq!(transition.key, Key::name("a"));
    }
    assert_eq!(seen.try_recv(), Err(TryRecvError::Empty));
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_loses_the_oldest() {
    let handle = Handle::new();
    let mut slow = handle.subscribe();
    for _ in 0..100 {
        handle.force_open(KeyRef::Shared);
        handle.release(KeyRef::Shared);
    }
    assert_eq!(slow.recv().await, Err(RecvError::Lagged(72)));
    assert_eq!(slow.recv().await.unwrap().to, CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn idle_circuits_are_forgotten() {
    let handle = Handle::new();
    settle(&handle, "idle", Outcome::Fault);
    trip(&handle, "tripped");
    handle.force_open(KeyRef::name("forced"));
    let under_way = admit(&handle, "under way");
    advance(SECOND * 300).await;
    settle(&handle, "used", Outcome::Success);
    advance(SECOND * 300).await;
    assert_eq!(handle.count(), 5, "nobody came");
    settle(&handle, "new", Outcome::Success);
    let left: Vec<_> = handle.list().iter().map(|status| status.key.to_string()).collect();
    assert_eq!(left, ["forced", "new", "under way", "used"]);
    drop(under_way);
}

#[tokio::test(start_paused = true)]
async fn clients_cannot_make_it_grow() {
    let handle = Handle::with_capacity(100);
    trip(&handle, "tripped");
    for n in 0..10_000 {
        settle(&handle, &format!("model-{n}"), Outcome::Neutral);
        assert!(handle.count() <= 100);
        advance(SECOND / 100).await;
    }
    assert!(admit(&handle, "tripped").is_ok_and(|_| true), "its probe is due");
    assert_eq!(handle.status(KeyRef::name("tripped")).unwrap().state, CircuitState::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn calls_without_a_circuit_go_through() {
    let handle = Handle::with_capacity(1);
    settle(&handle, "known", Outcome::Fault);
    (0..10).for_each(|_| settle(&handle, "one too many", Outcome::Fault));
    assert_eq!(handle.count(), 1);
    settle(&handle, "known", Outcome::Success);
    advance(SECOND).await;
    settle(&handle, "one too many", Outcome::Fault);
    assert_eq!(handle.list()[0].key, Key::name("one too many"), "the other one was clean");
}

#[test]
fn threads_cannot_get_more_than_one_probe() {
    let (handle, wait) = (Handle::new(), Settings::default().open_for(Duration::ZERO));
    for round in 0..200 {
        let key = KeyRef::name(format!("{round}"));
        let admit = || handle.admit(&key, wait, Instant::now());
        for _ in 0..3 {
            admit().unwrap().settle(Outcome::Fault.into(), None);
        }
        let barrier = Barrier::new(4);
        let race = || {
            barrier.wait();
            let permit = admit();
            barrier.wait();
            permit.is_ok()
        };
        let admitted = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(race));
            threads.map(|thread| usize::from(thread.join().unwrap())).iter().sum::<usize>()
        });
        assert_eq!(admitted, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_forgotten_and_its_calls_decide_nothing() {
    let handle = Handle::new();
    trip(&handle, "a");
    let under_way = admit(&handle, "b").unwrap();
    (0..2).for_each(|_| settle(&handle, "b", Outcome::Fault));
    handle.force_open(KeyRef::name("c"));
    handle.retain(|key| *key == Key::name("a"));
    assert_eq!(handle.count(), 1);
    assert_eq!(
        handle.status(KeyRef::name("a")).map(|status| status.state),
        Some(CircuitState::Open)
    );
    settle(&handle, "b", Outcome::Success);
    under_way.settle(Outcome::Fault.into(), None);
    assert!(admit(&handle, "b").is_ok(), "nothing of before counts");
    assert!(admit(&handle, "c").is_ok());
}
