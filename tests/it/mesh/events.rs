//! Events over Server-Sent Events.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    client::{body, json as json_of},
    *,
};

pub(super) async fn gateway() -> Gateway {
    Gateway::start("port: 0").await
}

/// How many heard it.
pub(super) async fn broadcast(gateway: &Gateway, data: &Value) -> u64 {
    let said = json!({"type": "my.news", "data": data});
    let response = send(gateway.addr, post("/broadcast", &said)).await;
    assert_eq!(response.status(), 200);
    json_of(response).await["delivered"].as_u64().unwrap()
}

pub(super) async fn space(gateway: &Gateway) -> String {
    let made = send(gateway.addr, post("/spaces", &json!({}))).await;
    json_of(made).await["space_id"].as_str().unwrap().to_owned()
}

pub(super) async fn say(gateway: &Gateway, space: &str) -> Value {
    let said = post(&format!("/spaces/{space}/messages"), &json!({"content": "x"}));
    json_of(send(gateway.addr, said).await).await["id"].clone()
}

async fn listen(gateway: &Gateway, query: &str) -> Events {
    Events::new(send(gateway.addr, get(&format!("/events{query}"))).await)
}

/// Past what each stream begins with.
async fn opened(gateway: &Gateway, query: &str) -> Events {
    let mut events = listen(gateway, query).await;
    for expected in ["connected", "welcome"] {
        assert_eq!(events.next().await.json()["type"], expected);
    }
    events
}

#[tokio::test]
async fn a_stream_says_who_is_there_and_then_what_happens() {
    let gateway = gateway().await;
    let response = send(gateway.addr, get("/events")).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut events = Events::new(response);
    let connected = events.next().await;
    assert_eq!(
        (connected.name.clone(), connected.id.clone(), events.retry),
        (None, None, Some(2000))
    );
    assert_eq!(connected.json()["type"], "connected");
    assert!(connected.json()["client_id"].is_string() && connected.json()["timestamp"].is_u64());
    let welcome = events.next().await;
    assert_eq!((welcome.id.clone(), &welcome.json()["type"]), (None, &json!("welcome")));
    assert!(welcome.json()["agents"].is_array());

    assert_eq!(broadcast(&gateway, &json!({"a": ["字\n", 1.5]})).await, 1);
    let event = events.next().await;
    assert_eq!(event.json()["type"], "my.news");
    assert_eq!(event.json()["data"], json!({"a": ["字\n", 1.5]}));
    assert_eq!(
        (event.name.clone(), event.id.clone()),
        (None, Some(event.json()["id"].to_string()))
    );
    drop(events);
    eventually_async(async || broadcast(&gateway, &Value::Null).await == 0).await;
}

async fn eventually_async(mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + TEST_TIMEOUT;
    while !condition().await {
        assert!(Instant::now() < deadline, "still not so");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn who_comes_back_hears_what_it_missed() {
    let gateway = gateway().await;
    let mut events = opened(&gateway, "").await;
    broadcast(&gateway, &json!(1)).await;
    let last = events.next().await.id.unwrap();
    drop(events);
    for n in 2..5 {
        broadcast(&gateway, &json!(n)).await;
    }
    let mut request = get("/events?lastEventId=0");
    request.headers_mut().insert("last-event-id", last.parse().unwrap());
    for request in [request, get(&format!("/events?lastEventId={last}"))] {
        let mut events = Events::new(send(gateway.addr, request).await);
        assert_eq!(events.next().await.json()["resumed"], true);
        assert_eq!(events.next().await.json()["type"], "welcome");
        for n in 2..5 {
            assert_eq!(events.next().await.json()["data"], n);
        }
    }
    for last in ["x", "0", "", "9999999999999999"] {
        let mut events = listen(&gateway, &format!("?lastEventId={last}")).await;
        assert_eq!(events.next().await.json()["resumed"], false, "{last:?}");
    }
}

#[tokio::test]
async fn a_stream_about_a_space_tells_nothing_else() {
    let gateway = gateway().await;
    let (id, other) = (space(&gateway).await, space(&gateway).await);
    let mut events = opened(&gateway, &format!("?spaceId={id}")).await;
    say(&gateway, &other).await;
    assert_eq!(broadcast(&gateway, &json!(1)).await, 0);
    let message = say(&gateway, &id).await;
    let event = events.next().await.json();
    assert_eq!(event["type"], "context.updated");
    assert_eq!((&event["space_id"], &event["message_id"]), (&json!(id), &message));
}

#[tokio::test]
async fn what_is_not_there_has_no_stream() {
    let gateway = gateway().await;
    for (query, code) in [
        ("?taskId=task_0", "TASK_NOT_FOUND"),
        ("?taskId=", "TASK_NOT_FOUND"),
        ("?spaceId=space_0", "SPACE_NOT_FOUND"),
        ("?spaceId=%00%FF", "SPACE_NOT_FOUND"),
    ] {
        let response = send(gateway.addr, get(&format!("/events{query}"))).await;
        assert_eq!(response.status(), 404, "{query}");
        assert_eq!(envelope(&body(response).await).code, code, "{query}");
    }
    let response = send(gateway.addr, get("/events?taskId=a&taskId=b")).await;
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn what_is_broadcast_is_checked() {
    let gateway = gateway().await;
    let long = "x".repeat(65);
    for name in ["", "a b", "é", &long, "task.completed", "connected", "heartbeat"] {
        let said = json!({"type": name, "data": 1});
        let response = send(gateway.addr, post("/broadcast", &said)).await;
        assert_eq!(response.status(), 400, "{name}");
        assert_eq!(envelope(&body(response).await).param.as_deref(), Some("type"), "{name}");
    }
    let said = json!({"type": "x", "data": "x".repeat(64 << 10)});
    assert_eq!(send(gateway.addr, post("/broadcast", &said)).await.status(), 413);
    for said in [json!({"data": 1}), json!({"type": 1}), json!([])] {
        assert_eq!(send(gateway.addr, post("/broadcast", &said)).await.status(), 400, "{said}");
    }
    let said = json!({"type": "x", "more": 1});
    let response = send(gateway.addr, post("/broadcast", &said)).await;
    assert_eq!(json_of(response).await, json!({"delivered": 0}));
}

#[tokio::test]
async fn there_are_so_many_streams_and_no_more() {
    // More than there are for all clients together.
    let gateway = Gateway::start("limits: {streams_per_client: 300}").await;
    // A connection has so many streams and no more, either.
    let connections =
        [H2::connect(gateway.addr).await.unwrap(), H2::connect(gateway.addr).await.unwrap()];
    let mut open = Vec::new();
    for n in 0..256 {
        let response = connections[n % 2].send(get("/events")).await.unwrap();
        assert_eq!(response.status(), 200, "{n}");
        open.push(response);
    }
    let response = send(gateway.addr, get("/events")).await;
    assert_eq!(response.status(), 429);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(envelope(&body(response).await).code, "RATE_LIMITED");
    open.pop();
    eventually_async(async || send(gateway.addr, get("/events")).await.status() == 200).await;
}

/// It reads nothing; the others hear everything, and nothing waits for it.
#[tokio::test]
async fn a_slow_client_is_dropped_and_the_others_go_on() {
    let gateway = gateway().await;
    let mut slow = Raw::connect(gateway.addr).await;
    slow.write("GET /events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    slow.until(b"welcome").await.unwrap();
    let mut quick = opened(&gateway, "").await;
    let large = json!("x".repeat(60_000));
    let mut heard = 0;
    while broadcast(&gateway, &large).await == 2 {
        assert_eq!(quick.next().await.json()["data"], large);
        heard += 1;
        assert!(heard < 2000, "the kernel and 4 MiB hold less than this");
    }
    assert_eq!(quick.next().await.json()["data"], large);
    assert_eq!(broadcast(&gateway, &json!("last")).await, 1);
    assert_eq!(quick.next().await.json()["data"], "last");
    let rest = slow.rest().await;
    let rest = rest.unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "the stream has ended when it is read on");
    assert!(!rest.windows(6).any(|part| part == b"\"last\""));
}

#[tokio::test]
async fn stopping_ends_streams_at_once() {
    let mut gateway = Gateway::start("drain_ms: 60000").await;
    let mut events = opened(&gateway, "").await;
    let start = Instant::now();
    gateway.stop();
    assert!(events.try_next().await.unwrap().is_none(), "a clean end");
    gateway.stopped().await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}
