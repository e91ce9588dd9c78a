//! What a client sends and reads.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::{
    client::{body, json},
    get, post, send,
};

/// How long many tasks may take on a busy machine.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(120);

/// The status, and the answer as JSON.
pub(super) async fn ask(addr: SocketAddr, path: &str) -> (u16, Value) {
    let response = send(addr, get(path)).await;
    (response.status().as_u16(), json(response).await)
}

pub(super) async fn tell(addr: SocketAddr, path: &str, request: &Value) -> (u16, Value) {
    let response = send(addr, post(path, request)).await;
    let status = response.status().as_u16();
    let body = body(response).await;
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// Has it accepted; its id.
pub(super) async fn submit(addr: SocketAddr, request: &Value) -> String {
    let (status, accepted) = tell(addr, "/tasks", request).await;
    assert_eq!(status, 202, "{accepted}");
    assert_eq!(accepted["status"], "pending");
    assert!(accepted["message"].is_string());
    accepted["task_id"].as_str().unwrap().to_owned()
}

/// This text for this agent.
pub(super) fn to(agent: &str, text: &str) -> Value {
    json!({"target": agent, "payload": {"task": text}})
}

pub(super) async fn task(addr: SocketAddr, id: &str) -> Value {
    let (status, task) = ask(addr, &format!("/tasks/{id}")).await;
    assert_eq!(status, 200, "{task}");
    task
}

pub(super) fn is_final(task: &Value) -> bool {
    ["completed", "failed", "cancelled"].iter().any(|end| task["status"] == *end)
}

/// Waits until it has ended.
pub(super) async fn ended(addr: SocketAddr, id: &str) -> Value {
    until(addr, id, is_final).await
}

/// Waits until it is so.
pub(super) async fn until(addr: SocketAddr, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let task = task(addr, id).await;
        if is_so(&task) {
            return task;
        }
        assert!(Instant::now() < deadline, "{task}");
        sleep(Duration::from_millis(20)).await;
    }
}
