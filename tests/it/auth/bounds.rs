//! What one client, or all of them, may hold.

use std::time::Duration;

use tokio::time::timeout;

use crate::auth::house::*;
use crate::support::{
    CHAT, Events, Gate, Gateway, H2, Raw, Reply, always, ask, ask_stream, client::Outgoing,
    envelope, eventually, get, post, provider, send, soon, sse,
};

/// Long enough for an answer that would come.
const SILENCE_TIME: Duration = Duration::from_millis(200);

fn begun(gate: &Gate) -> Reply {
    Reply::events().role().delta("a").gate(gate).delta("b").finish("stop").done()
}

async fn begin(gateway: &Gateway, request: Outgoing) -> Events {
    let mut events = Events::new(send(gateway.addr, request).await);
    events.next().await;
    assert_eq!(sse::text(&[events.next().await.json()]), "a");
    events
}

#[tokio::test]
async fn a_client_has_so_many_answers_open() {
    let gate = Gate::new();
    let provider = always(begun(&gate)).await;
    let keys = auth(&[entry("one", ""), entry("two", "")]);
    let gateway = house(&provider, &format!("{keys}limits: {{streams_per_client: 2}}")).await;
    let stream = |name| by(name, post(CHAT, &ask_stream()));
    let mut first = begin(&gateway, stream("one")).await;
    let second = begin(&gateway, stream("one")).await;
    let refused = seen(&gateway, stream("one")).await;
    assert_eq!(outcome(&refused), (429, "RATE_LIMITED".into()));
    let over_h2 = H2::connect(gateway.addr).await.unwrap().send(stream("one")).await.unwrap();
    assert_eq!(over_h2.status(), 429);
    let other = begin(&gateway, stream("two")).await;
    // A client that goes away gives its place back.
    drop(second);
    soon(provider.disconnected(1)).await;
    let mut third = begin(&gateway, stream("one")).await;
    assert_eq!(seen(&gateway, by("one", get("/v1/models"))).await.status, 429);
    gate.open();
    // And so does an answer that ends.
    assert_eq!(sse::text(&first.until_done().await), "b");
    assert_eq!(sse::text(&third.until_done().await), "b");
    drop(other);
    for _ in 0..3 {
        assert_eq!(seen(&gateway, by("one", get("/v1/models"))).await.status, 200);
    }
}

/// A refusal frees its place at once, and so does one that is not even asked for.
#[tokio::test]
async fn refused_requests_hold_nothing() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, "limits: {streams_per_client: 1}").await;
    for _ in 0..5 {
        assert_eq!(seen(&gateway, get("/nowhere")).await.status, 404);
        assert_eq!(seen(&gateway, post(CHAT, &ask())).await.status, 200);
    }
}

/// The others wait in the kernel's queue, and are served when it is their turn.
#[tokio::test]
async fn so_many_connections_are_open_at_once() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, "limits: {connections: 2}").await;
    let body = ask().to_string();
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut raw = Raw::connect(gateway.addr).await;
        raw.post(CHAT, &body).await;
        assert_eq!(raw.response().await.unwrap().status, 200);
        open.push(raw);
    }
    let mut waiting = Raw::connect(gateway.addr).await;
    waiting.post(CHAT, &body).await;
    assert!(timeout(SILENCE_TIME, waiting.response()).await.is_err(), "it has to wait");
    assert_eq!(provider.received().len(), 2);
    // Those that are in go on.
    open[0].post(CHAT, &body).await;
    assert_eq!(open[0].response().await.unwrap().status, 200);
    drop(open.pop());
    assert_eq!(soon(waiting.response()).await.unwrap().status, 200);
}

/// A WebSocket is as much of a connection as any other.
#[tokio::test]
async fn websockets_count_as_connections() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, "limits: {connections: 2}").await;
    let upgrade = "GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\
                   upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut raw = Raw::connect(gateway.addr).await;
        raw.write(upgrade).await;
        let head = raw.until(b"\r\n\r\n").await.unwrap();
        assert!(head.starts_with(b"HTTP/1.1 101 "));
        open.push(raw);
    }
    let mut waiting = Raw::connect(gateway.addr).await;
    waiting.post(CHAT, &ask().to_string()).await;
    assert!(timeout(SILENCE_TIME, waiting.response()).await.is_err(), "it has to wait");
    drop(open.pop());
    assert_eq!(soon(waiting.response()).await.unwrap().status, 200);
}

/// A gateway that is full stops as any other.
#[tokio::test]
async fn a_full_gateway_can_be_stopped() {
    let provider = always(Reply::chat("Hi")).await;
    let mut gateway = house(&provider, "limits: {connections: 1}").await;
    let mut held = Raw::connect(gateway.addr).await;
    held.post(CHAT, &ask().to_string()).await;
    held.response().await.unwrap();
    let _waiting = Raw::connect(gateway.addr).await;
    gateway.stop();
    gateway.stopped().await;
}

#[tokio::test]
async fn heads_are_as_large_as_they_may_be() {
    let provider = provider(|_| Reply::chat("Hi")).await;
    let gateway = house(&provider, "limits: {header_kb: 2}").await;
    for (length, status) in [(1500, 200), (3000, 431)] {
        let mut raw = Raw::connect(gateway.addr).await;
        let headers = format!("x-long: {}\r\n", "x".repeat(length));
        raw.post_with(CHAT, &headers, &ask().to_string()).await;
        let response = raw.response().await.unwrap();
        assert_eq!(response.status, status);
        if status == 431 {
            assert!(envelope(&response.body).message.contains("2048 bytes"));
        }
    }
    eventually(|| provider.received().len() == 1).await;
}
