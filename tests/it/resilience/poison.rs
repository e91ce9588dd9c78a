//! One request that makes servers fail takes no model from others.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::resilience::chain::{ask, gateway};
use crate::{
    recorded_response::Seen,
    support::{CHAT, Fault, Gateway, Provider, Received, Reply, always, post, provider, send},
};

/// Fails for requests that say "poison", and is well otherwise.
async fn fragile(fails: fn() -> Reply) -> Provider {
    provider(move |request: Received| match request.json().to_string().contains("poison") {
        true => fails(),
        false => Reply::chat("Yes"),
    })
    .await
}

async fn poison(gateway: &Gateway, stream: bool) -> Seen {
    let body = json!({
        "model": "m",
        "stream": stream,
        "messages": [{"role": "user", "content": "poison"}],
    });
    Seen::read(send(gateway.addr, post(CHAT, &body)).await).await
}

const DEFAULTS: [&str; 2] = ["retry: {base_delay_ms: 1}", "circuit_breaker: {}"];

#[tokio::test]
async fn one_request_cannot_open_a_circuit_by_its_retries() {
    let a = fragile(|| Reply::error(500, "boom")).await;
    let gateway =
        gateway(&[&a], &["retry: {max_retries: 3, base_delay_ms: 50}", DEFAULTS[1]]).await;
    let seen = poison(&gateway, false).await;
    assert_eq!((seen.status.as_u16(), seen.attempts()), (502, 4));
    assert_eq!(ask(&gateway, false).await.status, 200);
}

#[tokio::test]
async fn a_poisoned_request_that_is_sent_again_and_again_leaves_the_model_to_others() {
    let fails: [fn() -> Reply; 4] = [
        || Reply::error(500, "boom"),
        || Reply::error(503, "overloaded"),
        || Reply::status(501, &json!({"detail": "not implemented"})),
        || Reply::json(&json!({"error": {"message": "the engine died"}})),
    ];
    for fails in fails {
        let (a, b, c) = (fragile(fails).await, fragile(fails).await, fragile(fails).await);
        let gateway = gateway(&[&a, &b, &c], &DEFAULTS).await;
        for _ in 0..20 {
            assert!(poison(&gateway, false).await.status.is_server_error());
            let seen = ask(&gateway, false).await;
            assert_eq!((seen.status.as_u16(), seen.target()), (200, "a/m".into()));
        }
    }
}

#[tokio::test]
async fn nor_without_a_success_in_between_nor_by_an_error_in_its_stream() {
    let error_event = || Reply::events().role().delta("So").error_event("the engine died");
    let fails: [(fn() -> Reply, bool); 3] = [
        (|| Reply::error(500, "boom"), true),
        (|| Reply::events().error_event("the engine died"), true),
        (error_event, true),
    ];
    for (fails, stream) in fails {
        let a = fragile(fails).await;
        let gateway = gateway(&[&a], &["retry: {max_retries: 0}", DEFAULTS[1]]).await;
        for _ in 0..20 {
            poison(&gateway, stream).await;
        }
        assert_eq!(a.received().len(), 20, "each was sent");
        assert_eq!(ask(&gateway, false).await.status, 200);
    }
}

#[tokio::test]
async fn an_outage_still_opens_the_circuit() {
    for reply in [Reply::error(500, "boom"), Reply::fault(Fault::Reset)] {
        let (a, b) = (always(reply).await, always(Reply::chat("Yes")).await);
        let gateway = gateway(&[&a, &b], &["retry: {max_retries: 0}", DEFAULTS[1]]).await;
        for _ in 0..5 {
            assert_eq!(ask(&gateway, false).await.target(), "b/m");
        }
        assert_eq!(a.received().len(), 3);
    }
    // No connection is no request's fault: the same one may open it.
    let a = always(Reply::fault(Fault::Reset)).await;
    let gateway = gateway(&[&a], &["retry: {max_retries: 0}", DEFAULTS[1]]).await;
    let mut last = poison(&gateway, false).await;
    for _ in 0..3 {
        last = poison(&gateway, false).await;
    }
    assert_eq!((last.status.as_u16(), a.received().len()), (503, 3));
}

/// The waits would take far longer than the test allows.
#[tokio::test]
async fn a_retry_that_would_be_refused_is_not_waited_for() {
    let (a, b) = (always(Reply::error(503, "busy")).await, always(Reply::chat("Yes")).await);
    let settings = [
        "retry: {base_delay_ms: 600000, max_delay_ms: 600000}",
        "circuit_breaker: {failure_threshold: 1}",
    ];
    let gateway = gateway(&[&a, &b], &settings).await;
    let started = Instant::now();
    let seen = ask(&gateway, true).await;
    assert_eq!((seen.status.as_u16(), seen.attempts(), seen.target()), (200, 2, "b/m".into()));
    assert!(started.elapsed() < Duration::from_secs(30));
}
