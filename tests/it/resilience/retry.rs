//! A provider that fails for a moment is asked again, and then the next one is.

use std::time::Duration;

use tokio::time::Instant;

use crate::resilience::chain::{ask, ask_for, gateway};
use crate::support::{Reply, always, provider};

fn limited(seconds: u32) -> Reply {
    Reply::error(429, "rate_limit_exceeded").header("retry-after", seconds)
}

#[tokio::test]
async fn a_wait_that_fits_is_waited_for() {
    for stream in [false, true] {
        let good = if stream { Reply::chat_stream(["Yes"]) } else { Reply::chat("Yes") };
        let body = good.body();
        let a = provider(move |request| if request.nth == 0 { limited(1) } else { good.clone() });
        let (a, b) = (a.await, always(Reply::chat("No")).await);
        let gateway = gateway(&[&a, &b], &["retry: {}", "circuit_breaker: {}"]).await;
        let started = Instant::now();
        let seen = ask(&gateway, stream).await;
        assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
        assert_eq!((seen.status.as_u16(), seen.attempts()), (200, 2));
        assert_eq!((seen.target(), seen.body), ("a/m".into(), body));
        assert_eq!((a.received().len(), b.received().len()), (2, 0));
    }
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_not() {
    let (a, b) = (always(limited(3600)).await, always(Reply::chat("Yes")).await);
    let gateway = gateway(&[&a, &b], &["retry: {}", "circuit_breaker: {}"]).await;
    let started = Instant::now();
    let seen = ask(&gateway, false).await;
    // Less than the cap of a wait, however loaded the machine is.
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!((seen.status.as_u16(), seen.attempts(), seen.target()), (200, 2, "b/m".into()));
    assert_eq!(a.received().len(), 1);
}

#[tokio::test]
async fn there_are_so_many_retries_and_then_the_next_one() {
    let (a, b) = (always(Reply::error(503, "busy")).await, always(Reply::chat("Yes")).await);
    for (before_failover, attempts) in
        [("", 2), (", before_failover: 0", 1), (", before_failover: 9", 4)]
    {
        let before = a.received().len();
        let settings = format!("retry: {{base_delay_ms: 1{before_failover}}}");
        let gateway = gateway(&[&a, &b], &[&settings]).await;
        let seen = ask(&gateway, false).await;
        let expected = (200, attempts + 1, "b/m".into());
        assert_eq!((seen.status.as_u16(), seen.attempts(), seen.target()), expected);
        assert_eq!(a.received().len() - before, attempts);
    }
}

/// The circuit of the other one is open, so the first one is asked again after all.
#[tokio::test]
async fn the_only_target_that_can_be_asked_gets_all_its_retries() {
    let a = provider(|request| match request.nth {
        0..3 => Reply::error(503, "busy"),
        _ => Reply::chat("Yes"),
    });
    let (a, b) = (a.await, always(Reply::error(503, "broken")).await);
    let settings = ["retry: {base_delay_ms: 1}", "circuit_breaker: {failure_threshold: 2}"];
    let gateway = gateway(&[&a, &b], &settings).await;
    for _ in 0..2 {
        assert_eq!(ask_for(&gateway, "b/m", false).await.status, 502);
    }
    let seen = ask(&gateway, false).await;
    assert_eq!((seen.status.as_u16(), seen.attempts(), seen.target()), (200, 4, "a/m".into()));
}

/// With a share of 0 there are 10 in 10 s; one provider's do not take from the other's.
#[tokio::test]
async fn each_provider_has_a_budget() {
    let (a, b) = (always(Reply::error(503, "busy")).await, always(Reply::error(503, "busy")).await);
    let settings = "retry: {max_retries: 100, base_delay_ms: 1, max_delay_ms: 2, budget: 0, before_failover: 100}";
    let gateway = gateway(&[&a, &b], &[settings]).await;
    let seen = ask(&gateway, false).await;
    assert_eq!((seen.status.as_u16(), seen.attempts()), (502, 22));
    assert_eq!((a.received().len(), b.received().len()), (11, 11));
    ask(&gateway, false).await;
    assert_eq!((a.received().len(), b.received().len()), (12, 12));
}
