//! A call to a model, from the client's socket to the provider's and back.

use crate::support::*;
use http::Version;
use serde_json::{Value, json};

#[tokio::test]
async fn a_chat_completion_comes_back() {
    let provider = always(Reply::chat("Hello")).await;
    let gateway = Gateway::before(&provider).await;
    let response = send(gateway.addr, post(CHAT, &ask())).await;
    assert_eq!(response.status(), 200);
    for (name, value) in [("provider", "main"), ("model", "m"), ("attempts", "1")] {
        assert_eq!(response.headers()[format!("x-switchtower-{name}")], value);
    }
    let answer = client::json(response).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "Hello");
    let received = &provider.received()[0];
    assert_eq!(received.path(), CHAT);
    assert_eq!(received.header("authorization"), Some("Bearer sk-main"));
}

/// Two names of the client's, and none at all, that all lead to `m` at the provider.
const NAMES: &str = "models:\n  default_model: m\n  model_aliases: {nick: m}\n  providers:\n    main: {base_url: BASE, api_key: sk-main, models: [m], aliases: {local: m}}\n";

async fn gateway_with_names(provider: &Provider) -> Gateway {
    Gateway::start(&NAMES.replace("BASE", &provider.base_url())).await
}

/// What the client sends, and what the provider gets of it: all other bytes are the same.
const BODIES: &[(&str, &str)] = &[
    // Nothing to change.
    (r#"{"model":"m"}"#, r#"{"model":"m"}"#),
    (
        "{\n\t\"messages\": [ ] ,\r\n \"model\" : \"m\"\n}\n",
        "{\n\t\"messages\": [ ] ,\r\n \"model\" : \"m\"\n}\n",
    ),
    // The model's name, wherever it stands.
    (r#"{"model":"nick","messages":[]}"#, r#"{"model":"m","messages":[]}"#),
    (r#"{"z":1, "model" : "local" ,"a":2}"#, r#"{"z":1, "model" : "m" ,"a":2}"#),
    (r#"{"\u006dodel":"ni\u0063k"}"#, r#"{"\u006dodel":"m"}"#),
    (r#"{"model":"main/anything"}"#, r#"{"model":"anything"}"#),
    // Numbers as they are written.
    (
        r#"{"model":"nick","a":1.0,"b":1e2,"c":1E+2,"d":-0,"e":0.10,"f":12345678901234567890123,"g":1e400}"#,
        r#"{"model":"m","a":1.0,"b":1e2,"c":1E+2,"d":-0,"e":0.10,"f":12345678901234567890123,"g":1e400}"#,
    ),
    // Unknown fields, the order of keys, and what looks like a repeat but is none.
    (
        r#"{"zeta":{"b":1,"a":{"model":"nick","model":"nick"}},"model":"nick","a_model":"nick","new_in_2027":[null,true,{}],"alpha":""}"#,
        r#"{"zeta":{"b":1,"a":{"model":"nick","model":"nick"}},"model":"m","a_model":"nick","new_in_2027":[null,true,{}],"alpha":""}"#,
    ),
    (r#"{"x":1,"x":2,"model":"nick"}"#, r#"{"x":1,"x":2,"model":"m"}"#),
    // Strings as they are written.
    (
        r#"{"model":"nick","s":"é \u00e9 \/ \ud83d\ude82 🚂 \u0000 \"model\":\"nick\""}"#,
        r#"{"model":"m","s":"é \u00e9 \/ \ud83d\ude82 🚂 \u0000 \"model\":\"nick\""}"#,
    ),
];

/// What names no model, and what the provider gets with the default model's name in it.
const NAMELESS: &[(&str, &str)] = &[
    (r#"{"messages":[]}"#, r#"{"model":"m","messages":[]}"#),
    (r#" { } "#, r#" {"model":"m" } "#),
    (r#"{"model":null,"n":1}"#, r#"{"model":"m","n":1}"#),
];

#[tokio::test]
async fn all_but_the_models_name_arrives_as_it_was_sent() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway_with_names(&provider).await;
    for path in [CHAT, EMBEDDINGS, "/v1/completions"] {
        for (sent, expected) in BODIES {
            let response = send(gateway.addr, client::post_bytes(path, *sent)).await;
            assert_eq!(response.status(), 200, "{path}: {sent}");
            let received = provider.received().pop().unwrap();
            assert_eq!(received.body, *expected, "{path}: {sent}");
            assert_eq!(received.header("content-length"), Some(&*expected.len().to_string()));
            assert_eq!(received.header("transfer-encoding"), None);
            assert_eq!(received.path(), path);
        }
    }
}

#[tokio::test]
async fn a_chat_without_a_model_is_the_default_models() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway_with_names(&provider).await;
    for (sent, expected) in NAMELESS {
        let response = send(gateway.addr, client::post_bytes(CHAT, *sent)).await;
        assert_eq!(response.status(), 200, "{sent}");
        assert_eq!(provider.received().pop().unwrap().body, *expected, "{sent}");
    }
}

/// It may be no call to a model at all, and then it is none of a provider's business.
#[tokio::test]
async fn other_paths_have_no_default_model() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway_with_names(&provider).await;
    for path in [EMBEDDINGS, "/v1/files"] {
        for (sent, _) in NAMELESS {
            let response = send(gateway.addr, client::post_bytes(path, *sent)).await;
            assert_eq!(response.status(), 400, "{path}: {sent}");
            let error = envelope(&client::body(response).await);
            assert_eq!(error.param.as_deref(), Some("model"), "{path}: {sent}");
        }
    }
    assert!(provider.received().is_empty());
}

/// Agents send such prompts.
#[tokio::test]
async fn five_megabytes_arrive_as_they_were_sent() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway_with_names(&provider).await;
    let line = "The quick brown fox: \\\"π\\\" \\u00e9\\n";
    let text = line.repeat((5 << 20) / line.len());
    for version in VERSIONS {
        let body = |model: &str| {
            format!(r#"{{"messages":[{{"content":"{text}"}}],"model":"{model}","n":1.0}}"#)
        };
        let request = client::post_bytes(CHAT, body("nick"));
        let response = send_as(version, gateway.addr, request).await;
        assert_eq!(response.status(), 200, "{version:?}");
        let received = provider.received().pop().unwrap();
        assert!(received.body == body("m"), "{version:?}: not what was sent");
        assert_eq!(received.header("content-length"), Some(&*body("m").len().to_string()));
    }
}

#[tokio::test]
async fn a_body_in_chunks_arrives_whole() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = gateway_with_names(&provider).await;
    let mut raw = Raw::connect(gateway.addr).await;
    raw.write(format!(
        "POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n"
    ))
    .await;
    for chunk in [r#"{"mess"#, r#"ages":[],"mod"#, r#"el":"ni"#, r#"ck"}"#] {
        raw.write(format!("{:x};ext=1\r\n{chunk}\r\n", chunk.len())).await;
    }
    raw.write("0\r\nx-trailer: 1\r\n\r\n").await;
    assert_eq!(raw.response().await.unwrap().status, 200);
    let received = &provider.received()[0];
    assert_eq!(received.body, r#"{"messages":[],"model":"m"}"#);
    assert_eq!(received.header("content-length"), Some("27"));
    assert_eq!(received.header("transfer-encoding"), None);
}

#[tokio::test]
async fn paths_and_queries_are_kept() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    for path in [
        "/v1/chat/completions?api-version=2026-01-01&x=a%20b&x=%C3%A9&empty=&flag",
        "/v1/chat/completions?",
        "/v1/images/generations",
        "/v1/made/up/x:y~@b_1.2",
    ] {
        assert_eq!(send(gateway.addr, post(path, &ask())).await.status(), 200, "{path}");
        assert_eq!(provider.received().pop().unwrap().uri.to_string(), path);
    }
}

#[tokio::test]
async fn the_base_url_stands_for_v1() {
    let provider = always(Reply::chat("Hi")).await;
    let base_url = format!("http://{}/openai/deployments/a", provider.addr());
    let gateway = Gateway::at(&base_url, "").await;
    send(gateway.addr, post("/v1/chat/completions?x=1", &ask())).await;
    assert_eq!(provider.received()[0].uri, "/openai/deployments/a/chat/completions?x=1");
}

/// One connection for many requests, on both sides.
#[tokio::test]
async fn connections_are_kept() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    let mut raw = Raw::connect(gateway.addr).await;
    for _ in 0..5 {
        raw.post(CHAT, &ask().to_string()).await;
        assert_eq!(raw.response().await.unwrap().status, 200);
    }
    assert_eq!((provider.received().len(), provider.accepted()), (5, 1));
}

/// Both requests are written before the first answer is read.
#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let provider = provider(|request| Reply::chat(&request.json()["user"].to_string())).await;
    let gateway = Gateway::before(&provider).await;
    let mut raw = Raw::connect(gateway.addr).await;
    for user in 0..3 {
        raw.post(CHAT, &json!({"model": "m", "user": user}).to_string()).await;
    }
    for user in 0..3 {
        let answer: Value = serde_json::from_slice(&raw.response().await.unwrap().body).unwrap();
        assert_eq!(answer["choices"][0]["message"]["content"], user.to_string());
    }
}

#[tokio::test]
async fn http_1_0_clients_are_served() {
    let provider = always(Reply::chat_stream(["Hel", "lo"])).await;
    let gateway = Gateway::before(&provider).await;
    let body = ask_stream().to_string();
    let mut raw = Raw::connect(gateway.addr).await;
    raw.write(format!(
        "POST {CHAT} HTTP/1.0\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    let response = raw.response().await.unwrap();
    assert_eq!((response.status, response.header("transfer-encoding")), (200, None));
    assert!(response.body.ends_with(b"data: [DONE]\n\n"), "the end of the connection ends it");
    assert_eq!(provider.received()[0].version, Version::HTTP_11);
}
