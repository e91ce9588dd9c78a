//! What is not accepted.

use serde_json::{Value, json};

use super::wire::ask;
use crate::support::{
    Binary, Gateway,
    client::{body, post_bytes},
    envelope, get, post, send,
};

/// An agent that no test here gets to.
const CONFIG: &str = "agents: [{id: ok, type: process, command: cat}]";

async fn refused(gateway: &Gateway, request: &Value) -> (u16, String, Option<String>) {
    let response = send(gateway.addr, post("/tasks", request)).await;
    let status = response.status().as_u16();
    let error = envelope(&body(response).await);
    (status, error.code, error.param)
}

#[tokio::test]
async fn what_is_wrong_with_a_task_is_named() {
    let gateway = Gateway::start(CONFIG).await;
    let long = "x".repeat(300);
    let with = |field: &str, value: Value| {
        let mut payload = json!({"task": "x"});
        payload[field] = value;
        json!({"payload": payload})
    };
    for (request, param) in [
        (json!({}), Some("payload")),
        (json!([]), None),
        (json!({"payload": {}}), Some("payload.task")),
        (json!({"payload": []}), Some("payload")),
        (json!({"payload": {"task": ""}}), Some("payload.task")),
        (json!({"payload": {"task": " \n\u{3000}"}}), Some("payload.task")),
        (json!({"payload": {"task": 5}}), Some("payload.task")),
        (json!({"payload": {"task": ["x"]}}), Some("payload.task")),
        (json!({"payload": {"task": null}}), Some("payload.task")),
        (json!({"target": 5, "payload": {"task": "x"}}), Some("target")),
        (json!({"source": long, "payload": {"task": "x"}}), Some("source")),
        (with("options", json!([])), Some("payload.options")),
        (with("options", json!({"timeout": 0})), Some("payload.options.timeout")),
        (with("options", json!({"timeout": "1"})), Some("payload.options.timeout")),
        (with("options", json!({"timeout": 1e9})), Some("payload.options.timeout")),
        (with("options", json!({"stream": 1})), Some("payload.options.stream")),
        (with("context", json!("space")), Some("payload.context")),
        (with("context", json!({"shared_space_id": 1})), Some("payload.context.shared_space_id")),
        (with("files", json!("a")), Some("payload.files")),
        (with("files", json!([1])), Some("payload.files[0]")),
        (with("files", json!([""])), Some("payload.files")),
        (with("files", json!(vec!["x"; 257])), Some("payload.files")),
    ] {
        let expected = (400, "INVALID_REQUEST".to_owned(), param.map(ToOwned::to_owned));
        assert_eq!(refused(&gateway, &request).await, expected, "{request}");
    }
    assert_eq!(ask(gateway.addr, "/tasks").await, (200, json!([])), "none was kept");
}

#[tokio::test]
async fn what_is_no_json_or_too_large_is_refused() {
    let gateway = Gateway::start(CONFIG).await;
    let response = send(gateway.addr, post_bytes("/tasks", "{\"payload\"")).await;
    assert_eq!(response.status(), 400);
    assert_eq!(envelope(&body(response).await).code, "INVALID_REQUEST");
    let mut form = post_bytes("/tasks", "{\"payload\": {\"task\": \"x\"}}");
    form.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    let response = send(gateway.addr, form).await;
    assert_eq!(response.status(), 415);
    assert_eq!(envelope(&body(response).await).code, "UNSUPPORTED_MEDIA_TYPE");
    for size in [(1 << 20) + 1, 3 << 20] {
        let large = json!({"payload": {"task": "x".repeat(size)}});
        let (status, code, _) = refused(&gateway, &large).await;
        assert_eq!((status, &*code), (413, "PAYLOAD_TOO_LARGE"), "{size}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let gateway = Gateway::start(CONFIG).await;
    let unknown = json!({"target": "nobody", "payload": {"task": "x"}});
    let expected = (404, "AGENT_NOT_FOUND".to_owned(), Some("target".to_owned()));
    assert_eq!(refused(&gateway, &unknown).await, expected);
    let plain = ["task_0", "x", "-", "~", "a:b@c"];
    let shown = ["%E4%BD%A0", "task_0%2F1", "%20"].into_iter().chain(plain).map(|id| get(&at(id)));
    let cancelled = plain.map(|id| post(&format!("{}/cancel", at(id)), &json!({})));
    for request in shown.chain(cancelled) {
        let what = format!("{} {}", request.method(), request.uri());
        let response = send(gateway.addr, request).await;
        let status = response.status().as_u16();
        let error = envelope(&body(response).await);
        assert_eq!((status, &*error.code), (404, "TASK_NOT_FOUND"), "{what} {error:?}");
    }
}

fn at(id: &str) -> String {
    format!("/tasks/{id}")
}

#[tokio::test]
async fn a_page_is_asked_for_rightly() {
    let gateway = Gateway::start(CONFIG).await;
    let id = format!("task_{}", "0".repeat(32));
    for query in ["", "?limit=500", "?status=failed", &format!("?after={id}&limit=1&more=1")] {
        assert_eq!(ask(gateway.addr, &format!("/tasks{query}")).await, (200, json!([])));
    }
    for query in [
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=x",
        "limit=",
        "status=done",
        "status=",
        "after=",
        "after=task_1",
        &format!("after={}", id.to_uppercase()),
    ] {
        let response = send(gateway.addr, get(&format!("/tasks?{query}"))).await;
        assert_eq!(response.status(), 400, "{query}");
        assert_eq!(envelope(&body(response).await).code, "INVALID_REQUEST", "{query}");
    }
}

#[tokio::test]
async fn somebody_has_to_be_online() {
    // Nothing is on this path.
    let mut gateway = Binary::start("agents: []", &[("PATH", "/nowhere")]).await;
    let request = json!({"payload": {"task": "review this"}});
    let response = send(gateway.addr, post("/tasks", &request)).await;
    assert_eq!(response.status(), 404);
    let error = envelope(&body(response).await);
    assert_eq!(error.code, "AGENT_NOT_FOUND");
    assert!(error.message.starts_with("no agent is online: install"), "{}", error.message);
    gateway.signal("TERM").await;
    assert_eq!(gateway.status().await, Some(0));
}
