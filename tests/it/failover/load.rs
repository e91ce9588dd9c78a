//! Many streams at once through a provider that cuts half of them: nothing is left behind.

use tokio::{runtime::Handle, task::JoinSet};

use crate::failover::chain::{CHAT, ask, gateway, question};
use crate::{
    recorded_response::{Seen, envelope},
    support::{Fault, Gateway, Reply, always, eventually, get, post, provider, send, soon},
};

const STREAMS: usize = 200;

fn talk() -> Reply {
    Reply::events().role().delta("Hel").delta("lo")
}

/// A quarter breaks before its first word, and a quarter after it.
fn half_is_cut(nth: usize) -> Reply {
    match nth % 4 {
        0 => Reply::events().role().cut(Fault::Reset),
        1 => talk().cut(Fault::Close),
        _ => talk().finish("stop").done(),
    }
}

async fn all_at_once(gateway: &Gateway) -> Vec<Seen> {
    let mut asking = JoinSet::new();
    for _ in 0..STREAMS {
        let answer = send(gateway.addr, post(CHAT, &question(true)));
        asking.spawn(async move { Seen::read(answer.await).await });
    }
    asking.join_all().await
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn two_hundred_streams_leave_nothing_behind() {
    let a = provider(|request| half_is_cut(request.nth)).await;
    let b = always(Reply::chat_stream(["Yes"])).await;
    let (whole, half) = (talk().finish("stop").done().body(), talk().body());
    let healthy = Reply::chat_stream(["Yes"]).body();
    // One request that makes whatever is made once.
    ask(&gateway(&[&b], "").await, true).await;
    eventually(|| b.connections() == 0).await;
    let before = tasks();

    let mut gateway = gateway(&[&a, &b], "").await;
    let mut after_one_round = None;
    for round in 1..=3 {
        let (mut own, mut others, mut errors) = (0, 0, 0);
        for seen in all_at_once(&gateway).await {
            assert!(seen.status == 200 && seen.is_complete);
            match (&*seen.target(), seen.attempts()) {
                ("b/m", 2) => {
                    assert_eq!(seen.body, healthy);
                    others += 1;
                }
                ("a/m", 1) if seen.body == whole => own += 1,
                ("a/m", 1) => {
                    let event = seen.body.strip_prefix(&half[..]).expect("half of it");
                    let event = std::str::from_utf8(event).unwrap();
                    envelope(event.strip_prefix("data: ").expect("an event"));
                    errors += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((own, others, errors), (STREAMS / 2, STREAMS / 4, STREAMS / 4));
        assert_eq!(a.received().len(), STREAMS * round);
        assert_eq!((a.aborted(), b.aborted()), (0, 0));

        // What was cut is gone; what was whole may wait for the next request.
        eventually(|| a.connections() + b.connections() <= STREAMS * 3 / 4).await;
        // A connection is a task here and one there. The clients' own are gone.
        let idle = || tasks().saturating_sub(2 * (a.connections() + b.connections()));
        match after_one_round {
            None => {
                eventually(|| idle() <= before + 10).await;
                after_one_round = Some(idle());
            }
            Some(tasks) => eventually(|| idle() <= tasks).await,
        }
    }

    gateway.stop();
    gateway.stopped().await;
    drop(gateway);
    eventually(|| a.connections() + b.connections() == 0).await;
    eventually(|| tasks() <= before).await;
}

#[tokio::test]
async fn held_whole_none_of_two_hundred_breaks() {
    let a = provider(|request| half_is_cut(request.nth)).await;
    let b = always(Reply::chat_stream(["Yes"])).await;
    let gateway = gateway(&[&a, &b], "commit: complete").await;
    let mut others = 0;
    for seen in all_at_once(&gateway).await {
        assert!(seen.status == 200 && seen.is_complete);
        assert!(seen.text().ends_with("data: [DONE]\n\n"));
        others += usize::from(seen.target() == "b/m");
    }
    assert_eq!((others, b.received().len()), (STREAMS / 2, STREAMS / 2));
}

#[tokio::test]
async fn clients_that_leave_take_their_attempts_with_them() {
    let a = provider(|request| match request.nth % 2 {
        0 => Reply::events().role().stall(),
        _ => talk().stall(),
    })
    .await;
    let gateway = gateway(&[&a], "").await;
    // When it answers, all that it runs besides has begun.
    send(gateway.addr, get("/health")).await;
    let before = tasks();
    let mut asking = JoinSet::new();
    for _ in 0..STREAMS {
        let answer = send(gateway.addr, post(CHAT, &question(true)));
        asking.spawn(async move { Seen::read(answer.await).await });
    }
    soon(a.requested(STREAMS)).await;
    asking.shutdown().await;
    soon(a.disconnected(STREAMS)).await;
    eventually(|| a.connections() == 0 && tasks() <= before).await;
}
