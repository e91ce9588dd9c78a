//! Streams that break after their first words: `response.failed`, and nothing passed off as whole.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::responses::desk::{Desk, question, text};
use crate::support::{Fault, Reply, always, soon};

fn said() -> Reply {
    Reply::events().role().delta("Hel")
}

/// A whole call, and half of another one.
fn called() -> Reply {
    let begin = |index: usize, arguments: &str| {
        json!({"tool_calls": [
            {"index": index, "id": format!("c{index}"), "function": {"name": "f", "arguments": arguments}},
        ]})
    };
    Reply::events().role().chunk(begin(0, "{}")).chunk(begin(1, "{\"rm\": \"-rf /t"))
}

fn error(fields: &Value) -> Value {
    json!({"error": fields})
}

/// What breaks, and the code that the client is given.
fn rows() -> Vec<(&'static str, Reply, &'static str)> {
    let busy = error(&json!({"message": "busy", "code": "overloaded", "type": "t"}));
    let number = error(&json!({"message": "busy", "code": 502}));
    let limited = error(&json!({"message": "slow down", "code": 429}));
    vec![
        ("RST", said().cut(Fault::Reset), "server_error"),
        ("FIN", said().cut(Fault::Close), "server_error"),
        ("an end without finish reason", said(), "server_error"),
        ("[DONE] without finish reason", said().done(), "server_error"),
        ("silence", said().stall(), "server_error"),
        ("no JSON", said().event("{oops"), "server_error"),
        ("error", said().event(&busy), "overloaded"),
        ("error, and then a good end", said().event(&busy).finish("stop").done(), "overloaded"),
        ("error with a number", said().event(&number), "server_error"),
        ("429", said().event(&limited), "rate_limit_exceeded"),
        ("named error", said().named_event("error", &busy["error"]), "overloaded"),
        ("finish reason error", said().finish("error").done(), "server_error"),
        ("RST in a call", called().cut(Fault::Reset), "server_error"),
        ("end in a call", called(), "server_error"),
        ("error in a call", called().event(&busy), "overloaded"),
    ]
}

#[tokio::test]
async fn what_breaks_in_the_middle_has_failed() {
    for (name, reply, code) in rows() {
        let provider = always(reply).await;
        let desk = Desk::with(&[("chat", &provider)], "timeouts: {idle_ms: 150}").await;
        // `told` has checked that there is one terminal event, in a whole stream without gaps.
        let told = desk.told(&question(true)).await;
        assert_eq!(told.ending(), "response.failed", "{name}");
        let response = told.response();
        assert_eq!(response["status"], "failed", "{name}");
        assert_eq!(response["error"]["code"], code, "{name}");
        let message = response["error"]["message"].as_str().expect("a text");
        assert!(!message.is_empty() && !message.contains("sk-key"), "{name}: {message}");
        assert_eq!(response["incomplete_details"], Value::Null, "{name}");
        // An incomplete call must not run.
        let half = told.of("response.output_item.done").find(|event| {
            event["item"]["type"] == "function_call" && event["item"]["call_id"] == "c1"
        });
        assert!(half.is_none(), "{name}: {half:?}");
        assert_eq!(provider.received().len(), 1, "{name}: after commit nothing is tried again");
    }
}

#[tokio::test]
async fn silence_fails_when_the_deadline_has_passed() {
    const IDLE_TIMEOUT: Duration = Duration::from_millis(200);
    let provider = always(said().stall()).await;
    let desk = Desk::with(&[("chat", &provider)], "timeouts: {idle_ms: 200}").await;
    let started = Instant::now();
    let told = desk.told(&question(true)).await;
    assert!(started.elapsed() >= IDLE_TIMEOUT);
    assert_eq!(told.ending(), "response.failed");
    assert_eq!(told.response()["error"]["message"], "silent for 200 ms");
}

#[tokio::test]
async fn the_total_deadline_ends_a_stream_that_goes_on() {
    let provider = always(said().stall()).await;
    let desk = Desk::with(&[("chat", &provider)], "timeouts: {total_ms: 250}").await;
    let told = desk.told(&question(true)).await;
    assert_eq!(told.ending(), "response.failed");
    assert_eq!(told.response()["error"]["message"], "total deadline passed");
    soon(provider.disconnected(1)).await;
}

/// As others end their streams.
#[tokio::test]
async fn what_has_a_finish_reason_is_whole() {
    let whole = || said().delta("lo").finish("stop");
    for reply in [
        whole(),
        whole().cut(Fault::Reset),
        whole().cut(Fault::Close),
        whole().done().cut(Fault::Reset),
        whole().comment("bye").done().comment("bye"),
        whole().done().crlf(),
        whole().done().byte_by_byte(),
    ] {
        let provider = always(reply).await;
        let desk = Desk::before(&provider).await;
        let told = desk.told(&question(true)).await;
        assert_eq!(told.ending(), "response.completed");
        assert_eq!(text(&told.response()), "Hello");
    }
}

/// A client that cannot read streams gets none.
#[tokio::test]
async fn a_plain_answer_that_breaks_is_an_error() {
    let whole = Reply::chat("Hello");
    for fault in [Fault::Reset, Fault::Close] {
        let provider = always(whole.clone().cut_after(40, fault)).await;
        let desk = Desk::before(&provider).await;
        let seen = desk.ask(&question(false)).await;
        assert_eq!((seen.status.as_u16(), &seen.error()["code"]), (502, &"PROVIDER_ERROR".into()));
    }
}
