//! What is not a call to a model: the models, and whether all is well.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::*;
use http::HeaderValue;
use serde_json::{Value, json};

/// Providers in every state. The variables are not set: tests see an empty environment.
const YAML: &str = "
models:
  providers:
    near: {base_url: 'http://127.0.0.1:9/v1', api_key: sk-near-1, models: [qwen3:14b, shared], aliases: {local: 'qwen3:14b'}}
    far: {base_url: 'https://far.example/v1', api_key: sk-far-1, models: [org/deep/model, shared]}
    keyless: {base_url: 'https://keyless.example/v1', api_key_env: KEYLESS_API_KEY, models: [secret-model]}
    forgotten: {base_url: 'https://forgotten.example/v1'}
    off: {base_url: 'https://off.example/v1', api_key: sk-off-1, enabled: false, models: [off-model]}
  model_aliases: {nick: org/deep/model, dark: secret-model}
";

const MODELS: [(&str, &str); 8] = [
    ("qwen3:14b", "near"),
    ("shared", "near"),
    ("local", "near"),
    ("org/deep/model", "far"),
    ("secret-model", "keyless"),
    ("off-model", "off"),
    ("nick", "far"),
    ("dark", "keyless"),
];

fn model((id, owner): (&str, &str)) -> Value {
    json!({"id": id, "object": "model", "created": 0, "owned_by": owner})
}

async fn fetch(gateway: &Gateway, path: &str) -> (u16, Value) {
    let response = send(gateway.addr, get(path)).await;
    assert_eq!(response.headers()["content-type"], "application/json", "{path}");
    (response.status().as_u16(), client::json(response).await)
}

#[tokio::test]
async fn all_configured_models_are_listed_once() {
    let gateway = Gateway::start(YAML).await;
    let expected = json!({"object": "list", "data": MODELS.map(model)});
    for path in ["/v1/models", "/v1/models?limit=1"] {
        assert_eq!(fetch(&gateway, path).await, (200, expected.clone()));
    }
}

#[tokio::test]
async fn without_providers_there_are_no_models() {
    let gateway = Gateway::start("{}").await;
    assert_eq!(fetch(&gateway, "/v1/models").await, (200, json!({"object": "list", "data": []})));
    let response = send(gateway.addr, post(CHAT, &ask())).await;
    assert_eq!(response.status(), 503);
    assert_eq!(envelope(&client::body(response).await).code, "NO_PROVIDER");
}

#[tokio::test]
async fn each_model_can_be_asked_for() {
    let gateway = Gateway::start(YAML).await;
    for entry in MODELS {
        let path = format!("/v1/models/{}", entry.0);
        assert_eq!(fetch(&gateway, &path).await, (200, model(entry)));
    }
    for escaped in ["org%2Fdeep%2Fmodel", "org/deep%2fmodel"] {
        let path = format!("/v1/models/{escaped}");
        assert_eq!(fetch(&gateway, &path).await, (200, model(MODELS[3])), "{escaped}");
    }
    for unknown in ["nobody", "org", "org/deep", "qwen3:14b/", "QWEN3:14B"] {
        let response = send(gateway.addr, get(&format!("/v1/models/{unknown}"))).await;
        assert_eq!(response.status(), 404, "{unknown}");
        let error = envelope(&client::body(response).await);
        assert_eq!((error.code.as_str(), error.param.as_deref()), ("NOT_FOUND", Some("model")));
        assert!(error.message.contains(unknown), "{}", error.message);
    }
}

#[tokio::test]
async fn a_keyless_provider_is_named_to_whoever_asks_for_its_model() {
    let gateway = Gateway::start(YAML).await;
    let response = send(gateway.addr, post(CHAT, &json!({"model": "keyless/secret-model"}))).await;
    assert_eq!(response.status(), 503);
    let error = envelope(&client::body(response).await);
    assert_eq!((error.code.as_str(), error.kind.as_str()), ("NO_PROVIDER", "server_error"));
    assert!(error.message.contains("keyless: no key (set KEYLESS_API_KEY)"), "{}", error.message);
}

#[tokio::test]
async fn health_says_that_this_process_answers_and_who_is_there() {
    let gateway = Gateway::start("{}").await;
    let (status, mut health) = fetch(&gateway, "/health").await;
    assert!(is_recent(&health["timestamp"].take()));
    for agent in health["agents"].take().as_array().expect("agents") {
        assert!(["id", "name", "status"].iter().all(|field| agent[field].is_string()), "{agent}");
    }
    let version = env!("CARGO_PKG_VERSION");
    let expected = json!({"status": "ok", "version": version, "timestamp": null, "agents": null});
    assert_eq!((status, health), (200, expected));
}

/// Whether it is a time of this minute, in milliseconds.
fn is_recent(timestamp: &Value) -> bool {
    let timestamp = timestamp.as_u64().expect("milliseconds");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    let age = now.saturating_sub(Duration::from_millis(timestamp));
    age < Duration::from_secs(60) && now.as_millis() >= u128::from(timestamp)
}

#[tokio::test]
async fn model_gateway_health_says_which_providers_can_be_used() {
    let gateway = Gateway::start(YAML).await;
    let (status, mut health) = fetch(&gateway, "/model-gateway/health").await;
    assert!(is_recent(&health["timestamp"].take()));
    assert_eq!(status, 200);
    assert_eq!(
        health,
        json!({
            "status": "ok",
            "timestamp": null,
            "providers_available": [
                {"name": "near", "summary": "Local - always available"},
                {"name": "far", "summary": "Key present"},
            ],
            "providers_unavailable": [
                {"name": "keyless", "summary": "No key: set KEYLESS_API_KEY"},
                {"name": "forgotten", "summary": "No key: give it api_key_env or api_key"},
                {"name": "off", "summary": "Disabled"},
            ],
        })
    );
    let gateway = Gateway::start("{}").await;
    assert_eq!(fetch(&gateway, "/model-gateway/health").await.1["status"], "unavailable");
}

#[tokio::test]
async fn no_answer_has_a_key_in_it() {
    let gateway = Gateway::start(YAML).await;
    for path in ["/v1/models", "/v1/models/shared", "/health", "/model-gateway/health", "/sk"] {
        let text = fetch(&gateway, path).await.1.to_string();
        assert!(!text.contains("sk-"), "{path}: {text}");
    }
}

/// As monitors ask.
#[tokio::test]
async fn head_is_get_without_the_body() {
    let gateway = Gateway::start(YAML).await;
    let mut raw = Raw::connect(gateway.addr).await;
    for path in
        ["/health", "/model-gateway/health", "/v1/models", "/v1/models/shared", "/v1/models/no"]
    {
        let mut heads = Vec::new();
        for method in ["HEAD", "GET"] {
            raw.write(format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
            let head = String::from_utf8(raw.until(b"\r\n\r\n").await.unwrap()).unwrap();
            let mut lines: Vec<_> = head.trim_end().split("\r\n").map(str::to_owned).collect();
            lines.retain(|line| !line.starts_with("x-request-id") && !line.starts_with("date"));
            if method == "GET" {
                let length = lines.iter().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.and_then(|length| length.parse().ok()).unwrap();
                raw.exactly(length).await.unwrap();
            }
            heads.push(lines);
        }
        assert_eq!(heads[0], heads[1], "{path}");
    }
}

#[tokio::test]
async fn the_same_over_http2() {
    let gateway = Gateway::start(YAML).await;
    let h2 = H2::connect(gateway.addr).await.unwrap();
    let answer = client::json(h2.send(get("/v1/models")).await.unwrap()).await;
    assert_eq!(answer["data"][0]["id"], "qwen3:14b");
    assert_eq!(h2.send(get("/health")).await.unwrap().status(), 200);
}

/// Clients that ask for a WebSocket first go on over HTTP then.
#[tokio::test]
async fn there_is_no_websocket_for_responses() {
    let gateway = Gateway::start("{}").await;
    let mut request = get("/v1/responses");
    for (name, value) in [("connection", "upgrade"), ("upgrade", "websocket")] {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let response = send(gateway.addr, request).await;
    assert_eq!(response.status(), 426);
    assert_eq!(response.headers()["upgrade"], "HTTP/1.1");
    assert!(envelope(&client::body(response).await).message.contains("WebSocket"));
}
