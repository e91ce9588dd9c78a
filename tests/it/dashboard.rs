//! The dashboard's files, and the events of calls to models that it shows. `.ci/dashboard` looks at
//! it in a browser.

use std::time::Duration;

use crate::support::*;
use http::{Response, header::IF_NONE_MATCH};
use hyper::body::Incoming;
use serde_json::{Value, json};
use sse::{Event, Events};
use switchtower::config::KeyHash;
use tokio::time::sleep;

const EVENTS: &str = "/model-gateway/events";
const NAMES: [&str; 4] =
    ["/dashboard", "/dashboard/app.js", "/dashboard/worker.js", "/dashboard/style.css"];

async fn fetch(gateway: &Gateway, path: &str, known: Option<&str>) -> Response<Incoming> {
    let mut request = get(path);
    if let Some(tags) = known {
        request.headers_mut().insert(IF_NONE_MATCH, tags.parse().expect("a header"));
    }
    send(gateway.addr, request).await
}

#[tokio::test]
async fn its_files_come_with_a_strict_policy() {
    let gateway = Gateway::start("{}").await;
    let types = ["text/html", "text/javascript", "text/javascript", "text/css"];
    for (path, kind) in NAMES.into_iter().zip(types) {
        let response = fetch(&gateway, path, None).await;
        assert_eq!(response.status(), 200, "{path}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), format!("{kind}; charset=utf-8"));
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
             img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cache-control"), "no-cache");
        assert!(!client::body(response).await.is_empty());
    }
    let [page, same] = ["/dashboard", "/dashboard/"].map(|path| fetch(&gateway, path, None));
    assert_eq!(client::body(page.await).await, client::body(same.await).await);
    for path in ["/dashboard/nothing.js", "/dashboard/index.html", "/dashboard/a/b"] {
        assert_eq!(fetch(&gateway, path, None).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let gateway = Gateway::start("{}").await;
    for path in NAMES {
        let etag = fetch(&gateway, path, None).await.headers()["etag"].to_str().unwrap().to_owned();
        let weak = format!("\"other\", W/{etag}");
        for (known, status) in [(&*etag, 304), (&*weak, 304), ("*", 304), ("\"other\"", 200)] {
            let response = fetch(&gateway, path, Some(known)).await;
            assert_eq!(response.status(), status, "{path}: {known}");
            assert_eq!(response.headers()["etag"], etag);
            assert!(response.headers().contains_key("content-security-policy"));
            assert_eq!(client::body(response).await.is_empty(), status == 304);
        }
    }
}

/// In front of a provider that is busy and one that answers, which both know `m`.
async fn failing() -> (Provider, Provider, Gateway) {
    let a = always(Reply::error(503, "busy")).await;
    let b = always(Reply::events().delta("a secret").finish("stop").usage(7, 2).done()).await;
    let yaml = format!(
        "models: {{providers: {{a: {{base_url: '{}', api_key: k, models: [m]}}, \
         b: {{base_url: '{}', api_key: k, models: [m]}}}}}}",
        a.base_url(),
        b.base_url()
    );
    let gateway = Gateway::start(&yaml).await;
    (a, b, gateway)
}

async fn listen(gateway: &Gateway) -> Events {
    let mut events = Events::new(send(gateway.addr, get(EVENTS)).await);
    let first = events.next().await;
    assert_eq!(first.json(), json!({"type": "connected", "left_out": 0}));
    events
}

/// Without what differs from run to run.
fn steady(event: &Event) -> Value {
    assert!(event.id.is_none(), "nobody comes back to it");
    let mut json = event.json();
    for field in ["timestamp", "duration_ms", "first_token_ms", "id"] {
        assert!(json[field].is_u64() || json[field].is_string(), "{field} in {json}");
        json.as_object_mut().expect("an object").remove(field);
    }
    json
}

#[tokio::test]
async fn who_listens_hears_the_way_that_a_request_took() {
    let (_a, _b, gateway) = failing().await;
    let mut events = listen(&gateway).await;
    // These are no calls to a model.
    for path in ["/health", "/v1/models", "/model-gateway/stats"] {
        client::body(send(gateway.addr, get(path)).await).await;
    }
    let mut request = post(&format!("{CHAT}?a=b"), &ask_stream());
    request.headers_mut().insert("x-request-id", "r1".parse().unwrap());
    client::body(send(gateway.addr, request).await).await;
    let event = events.next().await;
    assert_eq!(event.json()["id"], "r1");
    assert!(!event.data.contains("secret") && !event.data.contains("content"), "{}", event.data);
    assert_eq!(
        steady(&event),
        json!({
            "type": "request", "path": CHAT, "model": "m",
            "attempts": [
                {"provider": "a", "model": "m", "outcome": "fault", "cause": "unavailable"},
                {"provider": "b", "model": "m", "outcome": "success", "cause": null},
            ],
            "target": "b/m", "status": 200, "outcome": "success", "code": null,
            "tokens": {"input": 7, "output": 2}, "left_out": 0,
        })
    );
}

#[tokio::test]
async fn a_request_that_the_gateway_rejects_is_heard_of_too() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    let mut events = listen(&gateway).await;
    let mut request = post(CHAT, &ask());
    request.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(send(gateway.addr, request).await.status(), 415);
    let event = events.next().await.json();
    let said = ["status", "outcome", "code", "attempts", "target", "first_token_ms", "tokens"];
    assert_eq!(
        said.map(|field| event[field].clone()),
        [
            json!(415),
            json!("rejected"),
            json!("UNSUPPORTED_MEDIA_TYPE"),
            json!([]),
            Value::Null,
            Value::Null,
            Value::Null
        ]
    );
}

#[tokio::test]
async fn the_stream_goes_on_over_a_reload_and_ends_with_the_gateway() {
    let (_a, _b, mut gateway) = failing().await;
    let mut events = listen(&gateway).await;
    gateway.reload().await.unwrap();
    client::body(send(gateway.addr, post(CHAT, &ask_stream())).await).await;
    assert_eq!(events.next().await.json()["type"], "request");
    gateway.stop();
    assert!(events.rest().await.is_empty());
    gateway.stopped().await;
}

/// What a page needs that shows both: the events of the agents, in the same stream.
#[tokio::test]
async fn one_stream_tells_of_the_agents_too() {
    let (_a, _b, gateway) = failing().await;
    let path = format!("{EVENTS}?agents=true");
    let mut events = Events::new(send(gateway.addr, get(&path)).await);
    let next = async |events: &mut Events| {
        let event = events.next().await;
        (event.name.clone(), event.json()["type"].as_str().unwrap_or_default().to_owned(), event)
    };
    let agents = || Some("agents".to_owned());
    for expected in [(None, "connected"), (agents(), "connected"), (agents(), "welcome")] {
        let (name, kind, _) = next(&mut events).await;
        assert_eq!((name, kind.as_str()), expected);
    }
    let said = json!({"type": "request", "data": 1});
    client::body(send(gateway.addr, post("/broadcast", &said)).await).await;
    let (name, kind, event) = next(&mut events).await;
    assert_eq!((name, kind.as_str()), (agents(), "request"), "its name tells it from a call");
    let id = event.id.expect("it can be come back to");
    client::body(send(gateway.addr, post(CHAT, &ask_stream())).await).await;
    let (name, kind, event) = next(&mut events).await;
    assert_eq!((name, kind.as_str(), event.id), (None, "request", None));
    drop(events);

    client::body(send(gateway.addr, post("/broadcast", &said)).await).await;
    let mut events =
        Events::new(send(gateway.addr, get(&format!("{path}&lastEventId={id}"))).await);
    let mut missed = Vec::new();
    while missed.len() < 4 {
        missed.push(next(&mut events).await.1);
    }
    assert_eq!(missed, ["connected", "connected", "welcome", "request"]);
    let wrong = send(gateway.addr, get(&format!("{EVENTS}?agents=perhaps"))).await;
    assert_eq!(wrong.status(), 400);
}

/// A key may open the one and not the other.
#[tokio::test]
async fn the_agents_are_told_of_to_keys_that_may_use_them() {
    let entry = |name: &str, scopes: &str| {
        let hash = KeyHash::of(format!("st-key-of-{name}").as_bytes());
        format!("{{name: {name}, hash: '{hash}', scopes: [{scopes}]}}")
    };
    let keys = [entry("both", "admin, agents"), entry("admin", "admin"), entry("agents", "agents")];
    let gateway = Gateway::start(&format!("auth: {{keys: [{}]}}", keys.join(", "))).await;
    let by = |name: &str, mut request: client::Outgoing| {
        let key = format!("Bearer st-key-of-{name}").parse().unwrap();
        request.headers_mut().insert("authorization", key);
        send(gateway.addr, request)
    };
    let path = format!("{EVENTS}?agents=true");
    assert_eq!(by("agents", get(&path)).await.status(), 403);
    let mut both = Events::new(by("both", get(&path)).await);
    let mut admin = Events::new(by("admin", get(&path)).await);
    let said = json!({"type": "my.news", "data": 1});
    let told = client::json(by("agents", post("/broadcast", &said)).await).await;
    assert_eq!(told["delivered"], 1);
    while both.next().await.json()["type"] != "my.news" {}
    let mut rejected = post(CHAT, &ask());
    rejected.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(by("both", rejected).await.status(), 415);
    assert_eq!(admin.next().await.json()["type"], "connected");
    let next = admin.next().await;
    assert_eq!((next.name.clone(), next.json()["type"].clone()), (None, json!("request")));
}

#[tokio::test]
async fn there_are_so_many_streams() {
    let gateway = Gateway::start("{}").await;
    let mut streams = Vec::new();
    for _ in 0..32 {
        streams.push(listen(&gateway).await);
    }
    let refused = send(gateway.addr, get(EVENTS)).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"5".parse().unwrap())
    );
    drop(streams);
    // The places are given back.
    let again = async {
        while send(gateway.addr, get(EVENTS)).await.status() != 200 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    soon(again).await;
}
