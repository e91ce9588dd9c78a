//! A provider that falls silent costs one deadline, and counts as broken.

use std::time::Duration;

use tokio::time::Instant;

use crate::resilience::chain::{ask, gateway, health};
use crate::{
    recorded_response::envelope,
    support::{Fault, Reply, TEST_TIMEOUT, always},
};

const ON: [&str; 2] = ["retry: {base_delay_ms: 1}", "circuit_breaker: {}"];

#[tokio::test]
async fn who_is_silent_is_asked_once() {
    let wordless = || Reply::events().role().stall();
    for (deadline, reply, stream) in [
        ("headers_ms: 150", Reply::fault(Fault::Silence), true),
        ("first_token_ms: 150", Reply::fault(Fault::Silence), false),
        ("first_token_ms: 150", wordless(), true),
    ] {
        let good = if stream { Reply::chat_stream(["Yes"]) } else { Reply::chat("Yes") };
        let (a, b) = (always(reply).await, always(good).await);
        let timeouts = format!("timeouts: {{{deadline}}}");
        let gateway = gateway(&[&a, &b], &[ON[0], ON[1], &timeouts]).await;
        let seen = ask(&gateway, stream).await;
        assert_eq!((seen.status.as_u16(), seen.attempts(), seen.target()), (200, 2, "b/m".into()));
        assert_eq!(a.received().len(), 1, "{deadline}, {stream}");
    }
}

#[tokio::test]
async fn nor_is_it_asked_again_when_there_is_nobody_else() {
    let a = always(Reply::fault(Fault::Silence)).await;
    let gateway = gateway(&[&a], &[ON[0], ON[1], "timeouts: {first_token_ms: 150}"]).await;
    let seen = ask(&gateway, false).await;
    assert_eq!((seen.status.as_u16(), seen.attempts(), a.received().len()), (502, 1, 1));
}

/// A model that thinks in silence is paid for that, and would be paid for it again.
#[tokio::test]
async fn who_thinks_before_the_first_word_is_waited_for() {
    let thinks = || {
        let thought = Duration::from_millis(600);
        Reply::events().role().pause(thought).delta("Yes").finish("stop").done()
    };
    let (a, b) = (always(thinks()).await, always(Reply::chat_stream(["No"])).await);
    for (timeouts, attempts, target) in [
        ("timeouts: {idle_ms: 150}", 1, "a/m"),
        ("timeouts: {idle_ms: 150, first_token_ms: 150}", 2, "b/m"),
        // Without a limit of its own this silence is like any other.
        ("timeouts: {idle_ms: 150, first_token_ms: 0}", 2, "b/m"),
    ] {
        let gateway = gateway(&[&a, &b], &[timeouts]).await;
        let seen = ask(&gateway, true).await;
        assert_eq!((seen.attempts(), seen.target()), (attempts, target.into()), "{timeouts}");
        assert!(seen.is_complete);
    }
}

#[tokio::test]
async fn who_stalls_in_mid_stream_is_at_fault() {
    const IDLE_TIMEOUT: Duration = Duration::from_millis(150);
    let a = always(Reply::events().role().delta("Hel").stall()).await;
    let b = always(Reply::chat_stream(["Yes"])).await;
    let gateway = gateway(&[&a, &b], &[ON[0], ON[1], "timeouts: {idle_ms: 150}"]).await;
    for _ in 0..3 {
        let started = Instant::now();
        let seen = ask(&gateway, true).await;
        let took = started.elapsed();
        assert!(took >= IDLE_TIMEOUT && took < TEST_TIMEOUT, "{took:?}");
        assert_eq!((seen.status.as_u16(), seen.attempts(), seen.target()), (200, 1, "a/m".into()));
        assert!(seen.is_complete);
        let last = seen.text().trim_end().rsplit("data: ").next().expect("an event");
        assert_eq!(envelope(last)["code"], "PROVIDER_ERROR");
    }
    let seen = ask(&gateway, true).await;
    assert_eq!((seen.attempts(), seen.target()), (1, "b/m".into()));
    assert_eq!(a.received().len(), 3);
    let (available, summary) = health(&gateway, "a").await;
    assert!(!available && summary.starts_with("Circuit open, probe in "), "{summary}");
}
