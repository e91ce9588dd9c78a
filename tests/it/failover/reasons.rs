//! Error messages for failed attempts: what was wrong with each, in the provider's own words where
//! it sent some.

use serde_json::{Value, json};

use crate::failover::chain::{CHAT, ask_with, gateway};
use crate::{
    recorded_response::Seen,
    support::{Reply, always, post},
};

/// A plain request to both APIs.
async fn told(reply: Reply) -> [Seen; 2] {
    let a = always(reply).await;
    let gateway = gateway(&[&a], "retry: {max_retries: 0}").await;
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    let responses = json!({"model": "m", "input": "Hi"});
    [
        ask_with(&gateway, post(CHAT, &chat)).await,
        ask_with(&gateway, post("/v1/responses", &responses)).await,
    ]
}

fn message(seen: &Seen) -> String {
    seen.error()["message"].as_str().expect("a message").to_owned()
}

#[tokio::test]
async fn both_apis_tell_what_was_wrong_with_a_success() {
    let json = |value: Value| Reply::json(&value);
    for (reply, said) in [
        (Reply::new(200).sized(), "a: the answer is empty"),
        (Reply::html("<html>maintenance</html>"), "a: the answer is HTML, not JSON"),
        (json(json!({"object": "chat.completion"})), "a: "),
        (json(json!({"error": {"message": "the engine died"}})), "a: the engine died"),
        (json(json!({"error": {"code": "boom", "message": "no GPU"}})), "a: boom: no GPU"),
    ] {
        let [chat, responses] = told(reply).await;
        assert_eq!((chat.status.as_u16(), responses.status.as_u16()), (502, 502));
        for seen in [&chat, &responses] {
            let message = message(seen);
            assert!(message.starts_with(said), "{message}");
            assert!(message.len() > "a: 502".len() && !message.contains("502"), "{message}");
        }
    }
}

#[tokio::test]
async fn both_apis_tell_what_a_provider_said_with_an_error() {
    let status = |status, value: Value| Reply::status(status, &value);
    for (reply, says) in [
        (
            status(500, json!({"error": {"code": "boom", "message": "CUDA out of memory"}})),
            "a: 500 boom: CUDA out of memory",
        ),
        (
            status(500, json!({"error": {"type": "server_error", "message": "try later"}})),
            "a: 500 server_error: try later",
        ),
        (status(503, json!({"detail": "loading the model"})), "a: 503 loading the model"),
        (status(502, json!({"error": "upstream is gone"})), "a: 502 upstream is gone"),
    ] {
        for seen in told(reply).await {
            assert_eq!(seen.status, 502);
            assert_eq!(message(&seen), says);
        }
    }
}
