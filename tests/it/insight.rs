//! Attempts and provider health as the gateway reports them.

use crate::support::*;
use serde_json::{Value, json};

async fn fetch(gateway: &Gateway, path: &str) -> (u16, Value) {
    let response = send(gateway.addr, get(path)).await;
    assert_eq!(response.headers()["content-type"], "application/json", "{path}");
    (response.status().as_u16(), client::json(response).await)
}

/// Providers by name, in order; all of them know the model `m`.
fn yaml(providers: &[(&str, &Provider)], settings: &str) -> String {
    let mut text = format!("models:\n  {settings}\n  providers:\n");
    for (name, provider) in providers {
        let base_url = provider.base_url();
        text += &format!("    {name}: {{base_url: '{base_url}', api_key: k, models: [m]}}\n");
    }
    text
}

/// Streams and plain answers; each gives its usage.
fn answer(request: &Received) -> Reply {
    match request.json()["stream"] == true {
        true => Reply::events().delta("a").finish("stop").usage(7, 2).done(),
        false => Reply::chat("a"),
    }
}

#[tokio::test]
async fn attempts_are_counted_where_they_were_made() {
    let a = provider(|request| match request.nth {
        // One answers at the second attempt, one not at all, and all others at once.
        0 | 2 | 3 => Reply::error(503, "busy"),
        4 => Reply::error(400, "no"),
        _ => answer(&request),
    });
    let (a, b) = (a.await, provider(|request| answer(&request)).await);
    let settings = "retry: {max_retries: 1, base_delay_ms: 1}";
    let gateway = Gateway::start(&yaml(&[("a", &a), ("b", &b)], settings)).await;
    let (_, none) = fetch(&gateway, "/model-gateway/stats").await;
    assert_eq!(none["providers"], json!({}));
    for status in [200, 200, 400] {
        let response = send(gateway.addr, post(CHAT, &ask())).await;
        assert_eq!(response.status(), status);
        client::body(response).await;
    }
    let text = client::body(send(gateway.addr, post(CHAT, &ask_stream())).await).await;
    assert!(!String::from_utf8_lossy(&text).contains("prompt_tokens"), "nobody asked for it");

    let (status, stats) = fetch(&gateway, "/model-gateway/stats").await;
    assert_eq!(status, 200);
    assert!(stats["since"].as_u64().unwrap() > 1_700_000_000_000);
    let (at_a, at_b) = (&stats["providers"]["a"]["m"], &stats["providers"]["b"]["m"]);
    let counts = |of: &Value| {
        ["requests", "attempts", "retries", "failovers"].map(|name| of[name].as_u64().unwrap())
    };
    assert_eq!(counts(at_a), [4, 6, 2, 1]);
    let outcomes = json!({"success": 2, "fault": 3, "neutral": 1, "cancelled": 0});
    assert_eq!(at_a["outcomes"], outcomes);
    assert_eq!(at_a["tokens"], json!({"input": 9 + 7, "output": 3 + 2}));
    assert!(at_a["latency_ms"]["p99"].is_u64());
    assert!(at_a["first_token_ms"]["p50"].is_u64());
    assert_eq!(counts(at_b), [1, 1, 0, 0]);
    assert_eq!(at_b["tokens"], json!({"input": 9, "output": 3}));
    assert_eq!(at_b["first_token_ms"], json!(null));
}

#[tokio::test]
async fn a_client_that_goes_away_is_counted_as_such() {
    let provider = always(Reply::events().delta("a").stall()).await;
    let gateway = Gateway::start(&yaml(&[("a", &provider)], "commit: headers")).await;
    let mut events = Events::new(send(gateway.addr, post(CHAT, &ask_stream())).await);
    events.next().await;
    drop(events);
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    loop {
        let (_, stats) = fetch(&gateway, "/model-gateway/stats").await;
        let of = &stats["providers"]["a"]["m"];
        if of["outcomes"]["cancelled"] == 1 {
            assert_eq!((&of["latency_ms"], &of["first_token_ms"]), (&json!(null), &json!(null)));
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{stats}");
    }
}

#[tokio::test]
async fn a_client_that_asks_for_the_usage_gets_it() {
    let provider = provider(|request| {
        assert_eq!(request.json()["stream_options"]["include_usage"], true);
        answer(&request)
    });
    let provider = provider.await;
    let gateway = Gateway::before(&provider).await;
    let mut request = ask_stream();
    request["stream_options"] = json!({"include_usage": true});
    let text = client::body(send(gateway.addr, post(CHAT, &request)).await).await;
    assert_eq!(text, answer(&provider.received()[0]).body());
}

#[tokio::test]
async fn a_provider_that_takes_no_stream_options_gets_none() {
    let provider = always(Reply::chat_stream(["a"])).await;
    let (base_url, only) = (provider.base_url(), "api_key: k, models: [m], include_usage: false");
    let yaml = format!("models: {{providers: {{a: {{base_url: '{base_url}', {only}}}}}}}");
    let gateway = Gateway::start(&yaml).await;
    client::body(send(gateway.addr, post(CHAT, &ask_stream())).await).await;
    assert_eq!(provider.received()[0].json(), ask_stream());
    let request = json!({"model": "m", "input": "Hi", "stream": true});
    client::body(send(gateway.addr, post("/v1/responses", &request)).await).await;
    assert!(provider.received()[1].json().get("stream_options").is_none());
}

#[tokio::test]
async fn providers_are_asked_how_they_are() {
    let list = json!({"object": "list", "data": []});
    let [well, lost, locked] =
        [Reply::json(&list), Reply::error(404, "no list"), Reply::error(401, "bad key")];
    let (well, lost, locked) = (always(well).await, always(lost).await, always(locked).await);
    let mut yaml =
        yaml(&[("well", &well), ("lost", &lost), ("locked", &locked)], "commit: headers");
    yaml += "    dead: {base_url: 'http://127.0.0.1:1', api_key: k}\n";
    yaml += "    keyless: {base_url: 'http://127.0.0.1:1', api_key_env: NOT_SET}\n";
    yaml += "    off: {base_url: 'http://127.0.0.1:1', api_key: k, enabled: false}\n";
    let gateway = Gateway::start(&yaml).await;

    let (status, all) = fetch(&gateway, "/model-gateway/health/all").await;
    assert_eq!(status, 200);
    let expected = [
        ("well", "ok", json!(200), ""),
        ("lost", "ok", json!(404), ""),
        ("locked", "failing", json!(401), "it refuses the key"),
        ("dead", "failing", json!(null), "cannot connect"),
        ("keyless", "skipped", json!(null), "no key (set NOT_SET)"),
        ("off", "skipped", json!(null), "disabled"),
    ];
    assert_eq!(all["providers"].as_object().unwrap().len(), expected.len());
    for (name, state, http_status, why) in expected {
        let (status, one) = fetch(&gateway, &format!("/model-gateway/health/{name}")).await;
        assert_eq!(status, 200);
        for report in [&one, &all["providers"][name]] {
            assert_eq!((&report["provider"], &report["status"]), (&json!(name), &json!(state)));
            assert_eq!(report["http_status"], http_status, "{name}");
            assert_eq!(report["latency_ms"].is_null(), state == "skipped", "{name}");
            let error = report["error"].as_str().unwrap_or_default();
            assert!(error.contains(why) && error.is_empty() == why.is_empty(), "{name}: {error}");
        }
    }
    assert_eq!(well.received()[0].path(), "/v1/models");
    assert_eq!(well.received()[0].headers["authorization"], "Bearer k");
    let (status, unknown) = fetch(&gateway, "/model-gateway/health/nobody").await;
    assert_eq!((status, &unknown["error"]["code"]), (404, &json!("NOT_FOUND")));
}

#[tokio::test]
async fn a_check_shows_the_circuits() {
    let provider = always(Reply::error(503, "busy")).await;
    let settings = "circuit_breaker: {failure_threshold: 1}";
    let gateway = Gateway::start(&yaml(&[("a", &provider)], settings)).await;
    client::body(send(gateway.addr, post(CHAT, &ask())).await).await;
    let (_, report) = fetch(&gateway, "/model-gateway/health/a").await;
    assert_eq!(report["status"], "failing");
    assert_eq!(report["circuits"][0]["key"], "a/m");
    let state = report["circuits"][0]["state"].as_str().unwrap();
    assert!(state.starts_with("open, probe in "), "{state}");
}
