//! The client's error when no target has answered.

use serde_json::json;
use tokio::time::Instant;

use crate::failover::chain::{ask, ask_for, gateway};
use crate::{
    recorded_response::{Seen, envelope},
    support::{Fault, Gateway, Provider, Reply, TEST_TIMEOUT, always},
};

async fn after(replies: [Reply; 2]) -> Seen {
    let [a, b] = replies;
    let (a, b) = (always(a).await, always(b).await);
    let seen = ask(&gateway(&[&a, &b], "").await, false).await;
    assert_eq!((seen.attempts(), seen.target()), (2, "b/m".into()));
    seen
}

fn limited(wait: &'static str, says: &str) -> Reply {
    let reply = Reply::error(429, says);
    if wait.is_empty() { reply } else { reply.header("retry-after", wait) }
}

#[tokio::test]
async fn only_429s_are_the_last_one_with_the_smallest_wait() {
    for (first, second, wait) in
        [("7", "90", "7"), ("90", "7", "7"), ("", "7", "7"), ("7", "", "7"), ("", "", "")]
    {
        let seen = after([limited(first, "first"), limited(second, "second")]).await;
        assert_eq!(seen.status, 429);
        assert_eq!(seen.body, Reply::error(429, "second").body());
        assert_eq!(seen.header("retry-after"), wait, "{first:?}, {second:?}");
    }
    let exact = limited("90", "second").header("retry-after-ms", 90_000);
    let seen = after([limited("7", "first"), exact]).await;
    assert_eq!((seen.header("retry-after"), seen.header("retry-after-ms")), ("7", ""));
    let seen = after([limited("", "insufficient_quota"), limited("7", "second")]).await;
    assert_eq!((seen.status.as_u16(), seen.header("retry-after")), (429, "7"));
}

#[tokio::test]
async fn a_clients_error_that_comes_last_comes_as_it_is() {
    let broken = || Reply::json(&json!({"error": {"code": "overloaded"}}));
    for (first, last) in [
        (Reply::error(503, "oops"), Reply::error(402, "insufficient_balance")),
        (limited("7", "first"), Reply::error(401, "invalid_api_key")),
        (broken(), Reply::error(404, "model_not_found")),
        (Reply::fault(Fault::Reset), Reply::error(400, "context_length_exceeded")),
        (Reply::error(401, "first"), Reply::error(403, "second")),
        (Reply::error(500, "oops"), Reply::error(422, "bad")),
    ] {
        let body = last.body();
        let seen = after([first, last]).await;
        assert!(seen.status.is_client_error());
        assert_eq!(seen.body, body);
    }
}

#[tokio::test]
async fn all_else_is_502_with_every_reason() {
    let html = || Reply::new(503).content_type("text/html").bytes("<h1>Busy</h1>").sized();
    for (first, last, message) in [
        (
            Reply::error(401, "bad_key"),
            Reply::error(503, "oops"),
            "a: 401 bad_key: The provider says bad_key.; b: 503 oops: The provider says oops.",
        ),
        (
            limited("7", "slow"),
            Reply::error(500, "oops"),
            "a: 429 slow: The provider says slow.; b: 500 oops: The provider says oops.",
        ),
        (
            Reply::error(500, "oops"),
            limited("7", "slow"),
            "a: 500 oops: The provider says oops.; b: 429 slow: The provider says slow.",
        ),
        (html(), html(), "a: 503 <h1>Busy</h1>; b: 503 <h1>Busy</h1>"),
        (
            Reply::html("<h1>Sign in</h1>"),
            Reply::new(200).sized(),
            "a: the answer is HTML, not JSON; b: the answer is empty",
        ),
        (
            Reply::json(&json!({"error": {"code": "overloaded", "message": "busy"}})),
            Reply::fault(Fault::Reset),
            "a: overloaded: busy; b: the connection broke: Connection reset by peer (os error 104)",
        ),
    ] {
        let seen = after([first, last]).await;
        assert_eq!(seen.status, 502);
        let error = seen.error();
        assert_eq!(
            (&error["code"], &error["message"]),
            (&"PROVIDER_ERROR".into(), &message.into())
        );
    }
}

#[tokio::test]
async fn nobody_to_ask_is_503_with_the_reasons() {
    let gateway = Gateway::start(
        "models:\n  providers:\n    a: {base_url: http://localhost, models: [m]}\n    \
         b: {base_url: http://localhost, api_key: k, enabled: false}",
    )
    .await;
    let seen = ask(&gateway, true).await;
    assert_eq!((seen.status.as_u16(), seen.attempts(), seen.target()), (503, 0, "/".into()));
    let error = seen.error();
    assert_eq!(error["code"], "NO_PROVIDER");
    assert_eq!(
        error["message"],
        "no provider can be used: a: no key (give it api_key_env or api_key); b: disabled"
    );
    assert_eq!(seen.header("retry-after"), "");
}

const TOTAL: &str = "timeouts: {total_ms: 250}";

async fn times_out(reply: Reply, stream: bool, commit: &'static str) -> (Seen, Provider) {
    let (a, b) = (always(reply).await, always(Reply::chat("Late")).await);
    let gateway = gateway(&[&a, &b], TOTAL).await;
    let started = Instant::now();
    let seen = ask_for(&gateway, commit, stream).await;
    assert!(started.elapsed() < TEST_TIMEOUT);
    assert_eq!(b.received().len(), 0, "there was no time left");
    assert_eq!((seen.attempts(), seen.target()), (1, "a/m".into()));
    (seen, a)
}

#[tokio::test]
async fn the_total_deadline_is_504() {
    let silent = || Reply::fault(Fault::Silence);
    let half = || Reply::events().role().delta("Hel").stall();
    for (reply, stream, commit) in [
        (silent(), true, "first_token"),
        (silent(), false, "headers"),
        (Reply::events().role().stall(), true, "first_token"),
        (half(), true, "complete"),
        (Reply::chat("Hello").cut_after(9, Fault::Silence), false, "first_token"),
    ] {
        let (seen, a) = times_out(reply, stream, commit).await;
        assert_eq!(seen.status, 504);
        let error = seen.error();
        assert_eq!(error["code"], "DEADLINE_EXCEEDED");
        assert_eq!(error["message"], "the total deadline passed: a: total deadline passed");
        a.disconnected(1).await;
    }

    let (seen, a) = times_out(half(), true, "first_token").await;
    assert_eq!(seen.status, 200);
    let event = seen.text().rsplit_terminator("\n\n").next().and_then(|e| e.strip_prefix("data: "));
    assert_eq!(envelope(event.expect("an event"))["code"], "DEADLINE_EXCEEDED");
    a.disconnected(1).await;
}
