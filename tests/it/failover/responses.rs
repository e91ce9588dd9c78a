//! The same before providers of the Responses dialect: the stream's last word is `response.failed`.

use http::HeaderValue;
use serde_json::{Value, json};

use crate::failover::chain::{ask_with, gateway_of};
use crate::{
    recorded_response::Seen,
    support::{Fault, Gateway, Reply, always, post},
};

async fn ask(gateway: &Gateway, commit: &'static str, stream: bool) -> Seen {
    let body = json!({"model": "m", "stream": stream, "input": "Hi"});
    let mut request = post("/v1/responses", &body);
    request.headers_mut().insert("x-switchtower-commit", HeaderValue::from_static(commit));
    ask_with(gateway, request).await
}

/// An event as the API writes it.
fn event(reply: Reply, number: usize, kind: &str, mut fields: Value) -> Reply {
    fields["type"] = kind.into();
    fields["sequence_number"] = number.into();
    reply.named_event(kind, fields)
}

fn response(status: &str) -> Value {
    json!({"id": "resp_7", "object": "response", "status": status, "model": "m-1", "output": []})
}

fn created() -> Reply {
    event(Reply::events(), 0, "response.created", json!({"response": response("in_progress")}))
}

fn said() -> Reply {
    event(created(), 1, "response.output_text.delta", json!({"delta": "Hel"}))
}

fn whole() -> Reply {
    event(said(), 2, "response.completed", json!({"response": response("completed")}))
}

fn error(reply: Reply, number: usize) -> Reply {
    event(reply, number, "error", json!({"code": "overloaded", "message": "busy"}))
}

fn failed(reply: Reply, number: usize) -> Reply {
    let mut response = response("failed");
    response["error"] = json!({"code": "server_error", "message": "oops"});
    event(reply, number, "response.failed", json!({"response": response}))
}

/// What breaks, how much of it is whole, and whether that has content.
fn broken() -> Vec<(&'static str, Reply, usize, bool)> {
    let (none, head, half) = (0, created().body().len(), said().body().len());
    vec![
        ("no event", Reply::events(), none, false),
        ("error first", error(Reply::events(), 0), none, false),
        ("created, error", error(created(), 1), head, false),
        ("created, failed", failed(created(), 1), head, false),
        ("created, RST", created().cut(Fault::Reset), head, false),
        ("FIN", said().cut(Fault::Close), half, true),
        ("no terminal event", said(), half, true),
        ("no terminal event, [DONE]", said().done(), half, true),
        ("error", error(said(), 2), half, true),
        ("failed", failed(said(), 2), half, true),
        ("no JSON", said().event("{oops"), half, true),
    ]
}

#[tokio::test]
async fn what_breaks_fails_over_or_ends_in_response_failed() {
    for (name, reply, before, content) in broken() {
        let (a, b) = (always(reply.clone()).await, always(whole()).await);
        let gateway = gateway_of("responses", &[&a, &b], "").await;
        for commit in ["first_token", "headers", "complete"] {
            let seen = ask(&gateway, commit, true).await;
            assert!(seen.status == 200 && seen.is_complete, "{name}, {commit}");
            let committed = commit == "headers" || content && commit == "first_token";
            if !committed {
                assert_eq!((seen.target(), seen.attempts()), ("b/m".into(), 2), "{name}, {commit}");
                assert_eq!(seen.body, whole().body());
                continue;
            }
            assert_eq!((seen.target(), seen.attempts()), ("a/m".into(), 1), "{name}, {commit}");
            let (passed, last) = seen.text().split_at(before);
            assert_eq!(passed.as_bytes(), &reply.body()[..before], "{name}, {commit}");
            let began = before > 0;
            let (begins, last) = last.split_once("event: response.failed\ndata: ").expect(name);
            assert_eq!(begins.matches("event: ").count(), if began { 0 } else { 2 }, "{name}");
            let last = last.strip_suffix("\n\ndata: [DONE]\n\n").expect(name);
            let last: Value = serde_json::from_str(last).expect("JSON");
            let number = passed.matches("event: ").count() + begins.matches("event: ").count();
            assert_eq!(last["type"], "response.failed");
            assert_eq!(last["sequence_number"], number, "{name}, {commit}");
            assert_eq!(last["response"]["id"] == "resp_7", began, "{name}, {commit}");
            assert_eq!(last["response"]["status"], "failed");
            assert_eq!(last["response"]["error"]["code"], "server_error");
        }
    }
}

#[tokio::test]
async fn what_looks_odd_is_whole() {
    let incomplete =
        event(said(), 2, "response.incomplete", json!({"response": response("incomplete")}));
    for reply in [
        whole().crlf(),
        whole().byte_by_byte(),
        whole().cut(Fault::Close),
        whole().done(),
        incomplete,
    ] {
        let body = reply.body();
        let (a, b) = (always(reply).await, always(whole()).await);
        let gateway = gateway_of("responses", &[&a, &b], "").await;
        for commit in ["first_token", "headers", "complete"] {
            let seen = ask(&gateway, commit, true).await;
            assert!(seen.is_complete);
            assert_eq!((seen.target(), seen.body == body), ("a/m".into(), true), "{commit}");
        }
    }
}

#[tokio::test]
async fn plain_answers_are_checked_too() {
    let mut failed = response("failed");
    failed["error"] = json!({"code": "server_error", "message": "oops"});
    let good = response("completed");
    for (bad, passes) in [
        (Reply::html("<p>"), false),
        (Reply::json(&json!({"error": {"code": "x"}})), false),
        (Reply::json(&failed), false),
        (Reply::json(&good), true),
    ] {
        let body = bad.body();
        let (a, b) = (always(bad).await, always(Reply::json(&good)).await);
        let seen = ask(&gateway_of("responses", &[&a, &b], "").await, "first_token", false).await;
        let target = if passes { "a/m" } else { "b/m" };
        assert_eq!((seen.status.as_u16(), seen.target()), (200, target.into()), "{body:?}");
        assert_eq!(seen.body, Reply::json(&good).body());
    }
}
