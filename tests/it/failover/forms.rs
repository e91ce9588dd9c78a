//! The form of an answer: an event stream or JSON, whatever the provider sends and calls it.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::failover::chain::{ask, ask_with, gateway};
use crate::{
    recorded_response::Seen,
    support::{Gateway, Reply, always, encode, post},
};

const ONCE: &str = "retry: {max_retries: 0}";

async fn chat(gateway: &Gateway, stream: bool) -> Seen {
    ask(gateway, stream).await
}

async fn responses(gateway: &Gateway, stream: bool) -> Seen {
    let body = json!({"model": "m", "stream": stream, "input": "Hi"});
    ask_with(gateway, post("/v1/responses", &body)).await
}

fn stream() -> Reply {
    Reply::events().role().delta("Hel").delta("lo").finish("stop").usage(7, 2).done()
}

/// What the pieces of a chat stream say.
fn text(seen: &Seen) -> String {
    let text = seen.text();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let chunks = data.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    chunks
        .filter_map(|chunk| Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned()))
        .collect()
}

#[tokio::test]
async fn a_stream_is_one_whatever_it_is_called() {
    for label in ["text/plain; charset=utf-8", "", "application/octet-stream", "application/json"] {
        let reply = match label {
            "" => Reply::new(200).bytes(stream().body()),
            label => Reply::new(200).content_type(label).bytes(stream().body()),
        };
        let a = always(reply).await;
        let gateway = gateway(&[&a], ONCE).await;
        let seen = chat(&gateway, true).await;
        assert_eq!((seen.status.as_u16(), text(&seen)), (200, "Hello".into()), "{label}");
        assert_eq!(seen.header("content-type"), "text/event-stream", "{label}");
        assert!(seen.text().ends_with("data: [DONE]\n\n"));
        let seen = responses(&gateway, true).await;
        assert!(seen.text().contains("response.completed"), "{label} {}", seen.text());
    }
}

#[tokio::test]
async fn events_for_a_plain_request_become_json() {
    for labelled in [true, false] {
        let reply = match labelled {
            true => stream(),
            false => Reply::new(200).content_type("application/json").bytes(stream().body()),
        };
        let a = always(reply).await;
        let gateway = gateway(&[&a], ONCE).await;
        let seen = chat(&gateway, false).await;
        assert_eq!((seen.status.as_u16(), seen.header("content-type")), (200, "application/json"));
        let json: Value = serde_json::from_slice(&seen.body).expect("JSON");
        assert_eq!(json["object"], "chat.completion");
        assert_eq!(json["choices"][0]["message"]["content"], "Hello");
        assert_eq!(json["usage"]["prompt_tokens"], 7);
        let seen = responses(&gateway, false).await;
        let json: Value = serde_json::from_slice(&seen.body).expect("JSON");
        assert_eq!(json["output"][0]["content"][0]["text"], "Hello");
    }
}

#[tokio::test]
async fn json_for_a_streamed_request_becomes_events() {
    for label in ["application/json", "text/event-stream", "text/plain"] {
        let reply = Reply::new(200).content_type(label).bytes(Reply::chat("Hello").body());
        let a = always(reply).await;
        let gateway = gateway(&[&a], ONCE).await;
        let seen = chat(&gateway, true).await;
        assert_eq!((seen.status.as_u16(), seen.header("content-type")), (200, "text/event-stream"));
        assert_eq!(text(&seen), "Hello", "{label}");
        assert!(seen.text().ends_with("data: [DONE]\n\n"), "{label} {}", seen.text());
        let seen = responses(&gateway, true).await;
        let text = seen.text();
        assert!(text.contains("response.completed") && text.contains("Hello"), "{label} {text}");
    }
}

#[tokio::test]
async fn what_breaks_while_it_is_converted_fails_over() {
    let cut = || Reply::events().role().delta("Hel");
    let error = || Reply::events().role().delta("Hel").error_event("overloaded");
    for reply in [cut(), error(), Reply::events().role().bytes("data: {\"choi\n\n")] {
        let (a, b) = (always(reply).await, always(Reply::chat("From b")).await);
        let gateway = gateway(&[&a, &b], ONCE).await;
        for seen in [chat(&gateway, false).await, responses(&gateway, false).await] {
            assert_eq!((seen.status.as_u16(), seen.target()), (200, "b/m".into()));
            assert!(seen.text().contains("From b"));
        }
    }
}

#[tokio::test]
async fn compressed_bytes_without_a_label_are_decoded() {
    for zipped in [true, false] {
        let encode = async |plain: Bytes| match zipped {
            true => encode::gzip(plain).await,
            false => encode::zstd(plain).await,
        };
        let plain = encode(Reply::chat("Hello").body()).await;
        let a = always(Reply::new(200).content_type("application/json").bytes(plain).sized()).await;
        let gateway = self::gateway(&[&a], ONCE).await;
        for seen in [chat(&gateway, false).await, responses(&gateway, false).await] {
            assert_eq!(seen.status, 200);
            assert!(seen.text().contains("Hello"), "{}", seen.text());
        }
        let events = encode(stream().body()).await;
        for label in ["text/event-stream", "text/plain"] {
            let a = always(Reply::new(200).content_type(label).bytes(events.clone())).await;
            let gateway = self::gateway(&[&a], ONCE).await;
            let seen = chat(&gateway, true).await;
            assert_eq!((text(&seen), seen.status.as_u16()), ("Hello".into(), 200), "{label}");
        }
        let error = encode(Reply::error(400, "context_length_exceeded").body()).await;
        let error = Reply::new(400).content_type("application/json").bytes(error).sized();
        let (a, b) = (always(error).await, always(Reply::chat("From b")).await);
        let seen = chat(&self::gateway(&[&a, &b], ONCE).await, false).await;
        assert_eq!((seen.status.as_u16(), seen.target()), (200, "b/m".into()));
    }
}

#[tokio::test]
async fn streams_are_not_held_back_by_proxies_in_front() {
    let reply = stream().header("cache-control", "max-age=60");
    let a = always(reply).await;
    let gateway = gateway(&[&a], ONCE).await;
    for seen in [chat(&gateway, true).await, responses(&gateway, true).await] {
        assert_eq!(seen.header("x-accel-buffering"), "no");
        assert_eq!(seen.header("cache-control"), "no-cache");
    }
    let plain = always(Reply::chat("Hello")).await;
    let seen = chat(&self::gateway(&[&plain], ONCE).await, false).await;
    assert_eq!(seen.header("x-accel-buffering"), "");
}
