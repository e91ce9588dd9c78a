//! A target that says when to come back is left alone until then.

use std::time::Duration;

use tokio::{task::JoinSet, time::Instant};

use crate::failover::chain::{CHAT, ask, ask_with, gateway, question};
use crate::{
    recorded_response::Seen,
    support::{Gate, Reply, TEST_TIMEOUT, always, client::post_bytes, post, provider, send, soon},
};

fn limited() -> Reply {
    Reply::error(429, "rate_limit_exceeded")
}

#[tokio::test]
async fn it_is_passed_over_while_it_waits() {
    let a = always(limited().header("retry-after", 30)).await;
    let b = always(Reply::chat("Yes")).await;
    let gateway = gateway(&[&a, &b], "").await;
    assert_eq!(ask(&gateway, false).await.attempts(), 2);
    for _ in 0..3 {
        let seen = ask(&gateway, false).await;
        assert_eq!((seen.attempts(), seen.target()), (1, "b/m".into()));
    }
    assert_eq!(a.received().len(), 1);
    // Another model of the provider is another target.
    ask_with(&gateway, post_bytes(CHAT, r#"{"model":"a/other"}"#)).await;
    assert_eq!(a.received().len(), 2);
}

#[tokio::test]
async fn it_is_asked_again_when_the_wait_is_over() {
    let wait = Duration::from_millis(150);
    let a = provider(move |request| match request.nth {
        0 => limited().header("retry-after-ms", wait.as_millis()),
        _ => Reply::chat("Back"),
    })
    .await;
    let b = always(Reply::chat("Yes")).await;
    let gateway = gateway(&[&a, &b], "").await;
    let started = Instant::now();
    assert_eq!(ask(&gateway, false).await.attempts(), 2);
    while ask(&gateway, false).await.target() != "a/m" {
        assert!(started.elapsed() < TEST_TIMEOUT);
    }
    assert!(started.elapsed() >= wait);
    assert_eq!(a.received().len(), 2);
}

#[tokio::test]
async fn without_a_wait_it_is_asked_each_time() {
    let (a, b) = (always(limited()).await, always(Reply::chat("Yes")).await);
    let gateway = gateway(&[&a, &b], "").await;
    for _ in 0..3 {
        assert_eq!(ask(&gateway, false).await.attempts(), 2);
    }
}

#[tokio::test]
async fn the_longest_wait_wins_and_with_nobody_else_it_is_429() {
    let gates = [Gate::new(), Gate::new()];
    let theirs = gates.clone();
    let a = provider(move |request| {
        let wait = [60, 1][request.nth];
        limited().header("retry-after", wait).when(&theirs[request.nth])
    })
    .await;
    let gateway = gateway(&[&a], "").await;
    let mut asking = JoinSet::new();
    for _ in 0..2 {
        let answer = send(gateway.addr, post(CHAT, &question(false)));
        asking.spawn(async move { Seen::read(answer.await).await });
    }
    soon(a.requested(2)).await;
    for (gate, wait) in gates.iter().zip(["60", "1"]) {
        gate.open();
        let seen = soon(asking.join_next()).await.unwrap().unwrap();
        assert_eq!((seen.status.as_u16(), seen.header("retry-after")), (429, wait));
    }

    let seen = ask(&gateway, false).await;
    assert_eq!((seen.status.as_u16(), seen.attempts()), (429, 0));
    assert_eq!(seen.error()["code"], "RATE_LIMITED");
    assert_eq!(seen.header("retry-after"), "60");
    let message = "no provider can be used: a/m: rate limited, left alone for 60 s";
    assert_eq!(seen.error()["message"], message);
    assert_eq!(a.received().len(), 2);
}

#[tokio::test]
async fn the_soonest_of_all_is_told() {
    let a = always(limited().header("retry-after", 60)).await;
    let b = always(limited().header("retry-after", 20)).await;
    let gateway = gateway(&[&a, &b], "").await;
    let seen = ask(&gateway, false).await;
    assert_eq!((seen.status.as_u16(), seen.header("retry-after")), (429, "20"));
    let seen = ask(&gateway, false).await;
    assert_eq!((seen.status.as_u16(), seen.header("retry-after")), (429, "20"));
}

#[tokio::test]
async fn a_provider_that_is_out_of_credit_is_left_alone_with_all_its_models() {
    for reply in
        [Reply::error(402, "insufficient_balance"), Reply::error(429, "insufficient_quota")]
    {
        let (a, b) = (always(reply).await, always(Reply::chat("Yes")).await);
        let gateway = gateway(&[&a, &b], "").await;
        assert_eq!(ask(&gateway, false).await.attempts(), 2);
        let other = ask_with(&gateway, post_bytes(CHAT, r#"{"model":"other"}"#)).await;
        assert_eq!((other.attempts(), other.target()), (1, "b/other".into()));
        assert_eq!(a.received().len(), 1);
    }
}
