//! The demo provider over a real socket: its models answer, and misbehave, as their names say.

use std::{io::ErrorKind, time::Duration};

use crate::support::{Events, Provider, client, get, post, send, soon, sse};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

const CHAT: &str = "/v1/chat/completions";

fn ask(model: &str, stream: bool) -> Value {
    let messages = json!([{"role": "user", "content": "Good morning"}]);
    json!({"model": model, "stream": stream, "messages": messages})
}

async fn demo() -> Provider {
    switchtower::demo::start().await.expect("a loopback port")
}

#[tokio::test]
async fn says_the_same_streamed_and_whole() {
    let provider = demo().await;
    let started = Instant::now();
    let streamed = send(provider.addr(), post(CHAT, &ask("demo", true))).await;
    let mut events = Events::new(streamed);
    let first = events.next().await;
    let chunks = events.until_done().await;
    let (first_after, all_after) = (first.at - started, started.elapsed());
    assert!(first_after < all_after / 2, "words come one by one: {first_after:?} {all_after:?}");

    let response = send(provider.addr(), post(CHAT, &ask("demo", false))).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    let whole = client::json(response).await;
    assert_eq!(whole["object"], "chat.completion");
    let text = whole["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(sse::text(&chunks), text);
    assert!(text.contains("“Good morning”"), "{text}");
    assert_ne!(whole["id"], first.json()["id"]);
    assert!(provider.received().is_empty(), "it would grow for ever");
}

#[tokio::test]
async fn reports_usage_in_a_stream_when_asked() {
    let provider = demo().await;
    let mut request = ask("demo", true);
    request["max_tokens"] = 2.into();
    request["stream_options"] = json!({"include_usage": true});
    let chunks = Events::new(send(provider.addr(), post(CHAT, &request)).await).until_done().await;
    let [role, one, two, finish, usage] = &chunks[..] else { panic!("{chunks:?}") };
    assert!(role["usage"].is_null());
    assert_eq!(sse::text(&[one.clone(), two.clone()]), "Hello! I");
    assert_eq!(finish["choices"][0]["finish_reason"], "length");
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["completion_tokens"], 2);
}

#[tokio::test]
async fn refuses_in_openais_form() {
    let provider = demo().await;
    let refused = async |request| {
        let response = send(provider.addr(), request).await;
        let status = response.status().as_u16();
        let error = client::json(response).await["error"].clone();
        assert_eq!(error["type"], "invalid_request_error");
        assert!(error["message"].is_string());
        (status, error["code"].clone())
    };
    assert_eq!(refused(client::post_bytes(CHAT, "{")).await, (400, Value::Null));
    assert_eq!(refused(post(CHAT, &ask("gpt-0", false))).await, (404, "model_not_found".into()));
    assert_eq!(refused(get("/v1/nothing")).await, (404, "unknown_url".into()));
    let mut keyless = post(CHAT, &ask("demo", false));
    keyless.headers_mut().remove(AUTHORIZATION);
    assert_eq!(refused(keyless).await, (401, Value::Null));
}

#[tokio::test]
async fn lists_its_models() {
    let provider = demo().await;
    let list = client::json(send(provider.addr(), get("/v1/models")).await).await;
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
    assert_eq!(ids, ["demo", "demo-slow", "demo-429", "demo-500", "demo-cut", "demo-failover"]);
}

#[tokio::test]
async fn demo_429_and_demo_500_fail() {
    let provider = demo().await;
    for stream in [true, false] {
        let response = send(provider.addr(), post(CHAT, &ask("demo-429", stream))).await;
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(client::json(response).await["error"]["code"], "rate_limit_exceeded");
        let response = send(provider.addr(), post(CHAT, &ask("demo-500", stream))).await;
        assert_eq!(response.status(), 500);
        assert_eq!(client::json(response).await["error"]["type"], "server_error");
    }
}

#[tokio::test]
async fn demo_cut_breaks_off() {
    let provider = demo().await;
    let streamed = send(provider.addr(), post(CHAT, &ask("demo-cut", true))).await;
    let (events, error) = Events::new(streamed).until_broken().await;
    let chunks: Vec<_> = events.iter().map(sse::Event::json).collect();
    assert_eq!(sse::text(&chunks), "Hello! I am the demo");
    assert!(chunks.iter().all(|chunk| chunk["choices"][0]["finish_reason"].is_null()));
    assert_eq!(client::io_kind(&error), Some(ErrorKind::UnexpectedEof), "{error:?}");

    let mut raw = crate::support::Raw::connect(provider.addr()).await;
    raw.post(CHAT, &ask("demo-cut", false).to_string()).await;
    assert!(raw.until(b"\r\n\r\n").await.unwrap().starts_with(b"HTTP/1.1 200"));
    let body = raw.rest().await.unwrap();
    assert!(body.starts_with(b"{") && !body.ends_with(b"}"));
}

#[tokio::test]
async fn demo_slow_takes_its_time_and_can_be_left() {
    let provider = demo().await;
    let request = post(CHAT, &ask("demo-slow", true));
    let mut events = Events::new(send(provider.addr(), request).await);
    assert!(timeout(Duration::from_millis(300), events.next()).await.is_err());
    drop(events);
    soon(provider.disconnected(1)).await;
}
