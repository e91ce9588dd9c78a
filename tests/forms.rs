//! The form of an answer: an event stream or JSON, whatever the provider sends and calls it.

#[path = "failover/seen.rs"]
mod seen;
mod support;

use serde_json::{Value, json};

use seen::Seen;
use support::{CHAT, Gateway, Provider, Reply, always, post, send};

async fn gateway(providers: &[&Provider]) -> Gateway {
    let mut config = String::from("models:\n  retry: {max_retries: 0}\n  providers:\n");
    for (provider, name) in providers.iter().zip('a'..) {
        let url = provider.base_url();
        config += &format!("    {name}: {{base_url: \"{url}\", api_key: k, models: [m]}}\n");
    }
    Gateway::start(&config).await
}

async fn chat(gateway: &Gateway, stream: bool) -> Seen {
    let body =
        json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]});
    Seen::read(send(gateway.addr, post(CHAT, &body)).await).await
}

async fn responses(gateway: &Gateway, stream: bool) -> Seen {
    let body = json!({"model": "m", "stream": stream, "input": "Hi"});
    Seen::read(send(gateway.addr, post("/v1/responses", &body)).await).await
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
        let gateway = gateway(&[&a]).await;
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
        let gateway = gateway(&[&a]).await;
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
        let gateway = gateway(&[&a]).await;
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
        let gateway = gateway(&[&a, &b]).await;
        for seen in [chat(&gateway, false).await, responses(&gateway, false).await] {
            assert_eq!((seen.status.as_u16(), seen.target()), (200, "b/m".into()));
            assert!(seen.text().contains("From b"));
        }
    }
}

#[tokio::test]
async fn streams_are_not_held_back_by_proxies_in_front() {
    let reply = stream().header("cache-control", "max-age=60");
    let a = always(reply).await;
    let gateway = gateway(&[&a]).await;
    for seen in [chat(&gateway, true).await, responses(&gateway, true).await] {
        assert_eq!(seen.header("x-accel-buffering"), "no");
        assert_eq!(seen.header("cache-control"), "no-cache");
    }
    let plain = always(Reply::chat("Hello")).await;
    let seen = chat(&self::gateway(&[&plain]).await, false).await;
    assert_eq!(seen.header("x-accel-buffering"), "");
}
