//! A provider that keeps failing is left alone, and used again when it is well.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::resilience::chain::{ask, ask_for, gateway, health};
use crate::support::{Provider, Received, Reply, TEST_TIMEOUT, always, provider};

/// Only `m` fails.
fn m_is_broken(request: &Received) -> Reply {
    if request.json()["model"] == "m" { Reply::error(503, "busy") } else { Reply::chat("Yes") }
}

async fn broken_m() -> Provider {
    provider(|request| m_is_broken(&request)).await
}

#[tokio::test]
async fn an_open_circuit_is_passed_over() {
    let (a, b) = (always(Reply::error(503, "busy")).await, always(Reply::chat("Yes")).await);
    let settings = ["retry: {base_delay_ms: 1}", "circuit_breaker: {}"];
    let gateway = gateway(&[&a, &b], &settings).await;
    let local = (true, "Local - always available".into());
    assert_eq!(health(&gateway, "a").await, local);
    // The attempts of a request are one fault; the third opens the circuit, so that there is no
    // retry for it.
    for attempts in [3, 3, 2] {
        let seen = ask(&gateway, false).await;
        let expected = (200, attempts, "b/m".into());
        assert_eq!((seen.status.as_u16(), seen.attempts(), seen.target()), expected);
    }
    for _ in 0..5 {
        let seen = ask(&gateway, false).await;
        assert_eq!((seen.status.as_u16(), seen.attempts(), seen.target()), (200, 1, "b/m".into()));
    }
    assert_eq!(a.received().len(), 5);
    let (available, summary) = health(&gateway, "a").await;
    let seconds =
        summary.strip_prefix("Circuit open, probe in ").and_then(|s| s.strip_suffix(" s"));
    let seconds: u64 = seconds.and_then(|s| s.parse().ok()).unwrap_or_else(|| panic!("{summary}"));
    assert!(!available && (1..=30).contains(&seconds), "{summary}");
    assert_eq!(health(&gateway, "b").await, local);
}

#[tokio::test]
async fn alone_it_says_when_to_come_back() {
    let a = always(Reply::error(503, "busy")).await;
    let settings = ["retry: {base_delay_ms: 1}", "circuit_breaker: {}"];
    let gateway = gateway(&[&a], &settings).await;
    for attempts in [4, 4, 1] {
        let seen = ask(&gateway, false).await;
        assert_eq!((seen.status.as_u16(), seen.attempts()), (502, attempts));
    }
    let seen = ask(&gateway, false).await;
    assert_eq!((seen.status.as_u16(), a.received().len()), (503, 9));
    assert_eq!(seen.error()["code"], "NO_PROVIDER");
    assert!(seen.text().contains("circuit open, probe in "), "{}", seen.text());
    assert!((1..=30).contains(&seen.header("retry-after").parse::<u32>().unwrap()));
}

#[tokio::test]
async fn a_bad_model_does_not_take_its_provider_down_unless_it_shall() {
    for (scope, of_n) in [("target", "a/n"), ("provider", "b/n")] {
        let (a, b) = (broken_m().await, always(Reply::chat("Yes")).await);
        let breaker = format!("circuit_breaker: {{failure_threshold: 2, scope: {scope}}}");
        let gateway = gateway(&[&a, &b], &[&breaker]).await;
        for _ in 0..3 {
            assert_eq!(ask(&gateway, false).await.target(), "b/m", "{scope}");
        }
        assert_eq!(a.received().len(), 2, "{scope}");
        assert_eq!(ask_for(&gateway, "n", false).await.target(), of_n, "{scope}");
        let (available, summary) = health(&gateway, "a").await;
        assert!(summary.starts_with("Circuit open, probe in "), "{summary}");
        assert_eq!(available, scope == "target");
    }
}

#[tokio::test]
async fn who_is_well_again_is_used_again() {
    const RESET: Duration = Duration::from_millis(300);
    let is_well = Arc::new(AtomicBool::new(false));
    let well = is_well.clone();
    let a = provider(move |_| match well.load(Ordering::SeqCst) {
        true => Reply::chat("Back"),
        false => Reply::error(503, "busy"),
    });
    let (a, b) = (a.await, always(Reply::chat("Yes")).await);
    let breaker = "circuit_breaker: {failure_threshold: 2, reset_timeout_ms: 300}";
    let gateway = gateway(&[&a, &b], &["retry: {base_delay_ms: 1}", breaker]).await;
    assert_eq!(ask(&gateway, false).await.attempts(), 3);
    let opened = Instant::now();
    assert_eq!(ask(&gateway, false).await.attempts(), 2);
    // Long enough for a probe, which fails: it is one attempt each time, for all its retries.
    while a.received().len() < 4 {
        assert!(opened.elapsed() < TEST_TIMEOUT);
        sleep(Duration::from_millis(10)).await;
        assert_eq!(ask(&gateway, false).await.target(), "b/m");
    }
    assert!(opened.elapsed() >= RESET);
    assert_eq!(a.received().len(), 4);

    is_well.store(true, Ordering::SeqCst);
    let recovered = Instant::now();
    while ask(&gateway, false).await.target() != "a/m" {
        sleep(Duration::from_millis(10)).await;
        assert!(recovered.elapsed() < TEST_TIMEOUT);
    }
    // A loaded machine takes its time for the last request.
    assert!(recovered.elapsed() < RESET + Duration::from_secs(1), "{:?}", recovered.elapsed());
    assert_eq!(ask(&gateway, false).await.target(), "a/m");
    assert!(health(&gateway, "a").await.0);
}
