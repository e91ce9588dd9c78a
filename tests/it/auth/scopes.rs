//! Scopes and paths.

use http::{Method, StatusCode};

use crate::auth::house::*;
use crate::support::{
    Binary, CHAT, Gateway, Raw, Reply, VERSIONS, always, ask, gateway, get, post, send, send_as,
};

const ALL: [&str; 4] = ["models", "agents", "admin", "all"];

/// Paths, and the scope that each needs.
const PATHS: [(&str, &str); 19] = [
    ("/v1/models", "models"),
    ("/v1/models/m", "models"),
    ("/v1/chat/completions", "models"),
    ("/v1/responses/resp_1", "models"),
    ("/agents", "agents"),
    ("/agents/a", "agents"),
    ("/tasks", "agents"),
    ("/tasks/t/cancel", "agents"),
    ("/spaces", "agents"),
    ("/spaces/s/artifacts/a", "agents"),
    ("/events", "agents"),
    ("/ws", "agents"),
    ("/ws-info", "agents"),
    ("/broadcast", "agents"),
    ("/metrics", "admin"),
    ("/model-gateway/events", "admin"),
    ("/model-gateway/health", "admin"),
    ("/model-gateway/stats", "admin"),
    ("/model-gateway/budgets", "admin"),
];

#[tokio::test]
async fn a_key_opens_its_scopes_and_nothing_else() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, &one_for_each_scope()).await;
    for (path, scope) in PATHS {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE] {
            let ask = || request(&method, path);
            let nobody = seen(&gateway, by_nobody(ask())).await;
            assert_eq!(nobody.status, 401, "{method} {path}");
            let challenge = nobody.header("www-authenticate");
            assert_eq!(challenge, "Bearer realm=\"switchtower\"", "{method} {path}");
            for name in ALL {
                if name == scope || name == "all" {
                    // Only the head: events have no end.
                    let status = send(gateway.addr, by(name, ask())).await.status();
                    let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
                    assert!(!refused.contains(&status), "{name}: {method} {path}");
                    continue;
                }
                let seen = seen(&gateway, by(name, ask())).await;
                assert_eq!(seen.status, 403, "{name}: {method} {path}");
                if method != Method::HEAD {
                    let error = seen.error();
                    assert_eq!(error["code"], "FORBIDDEN");
                    let message = error["message"].as_str().unwrap_or_default();
                    assert!(message.contains(&format!("scope `{scope}`")), "{message}");
                }
                let challenge = seen.header("www-authenticate");
                assert!(challenge.contains("insufficient_scope"), "{challenge}");
            }
        }
    }
}

/// The scope for models gives no access to agents or to the admin API.
#[tokio::test]
async fn a_key_for_models_cannot_list_agents_submit_a_task_or_read_metrics() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, &one_for_each_scope()).await;
    for (method, path) in
        [(Method::GET, "/agents"), (Method::POST, "/tasks"), (Method::GET, "/metrics")]
    {
        let seen = seen(&gateway, by("models", request(&method, path))).await;
        assert_eq!(outcome(&seen), (403, "FORBIDDEN".into()), "{method} {path}");
    }
    assert_eq!(outcome(&call(&gateway, "models").await).0, 200);
}

#[tokio::test]
async fn some_paths_are_open_and_unknown_ones_need_any_key() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, &one_for_each_scope()).await;
    let status = async |request| seen(&gateway, request).await.status.as_u16();
    assert_eq!(status(by_nobody(get("/health"))).await, 200);
    assert_eq!(status(by("admin", get("/health"))).await, 200);
    assert_ne!(status(by_nobody(get("/openapi.json"))).await, 401);
    for path in ["/dashboard", "/dashboard/", "/dashboard/app.js"] {
        assert_eq!(status(by_nobody(get(path))).await, 200, "{path}");
    }
    for path in ["/nowhere", "/", "/health/x", "/%61gents", "//v1/models", "/V1/models"] {
        assert_eq!(status(by_nobody(get(path))).await, 401, "{path}");
        assert_eq!(status(by("agents", get(path))).await, 404, "{path}");
    }
    // A wrong key is rejected on open paths, too.
    assert_eq!(status(with_key("st-wrong", get("/health"))).await, 401);
}

/// A route that is added without a scope would be open to any key.
#[tokio::test]
async fn each_documented_route_has_one_scope_or_is_open() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, &one_for_each_scope()).await;
    let document = json(&seen(&gateway, by_nobody(get("/openapi.json"))).await);
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 20, "{}", paths.len());
    for path in paths.keys() {
        let mut allowed = Vec::new();
        for name in &ALL[..3] {
            // No route takes it, so that nothing happens.
            let request = request(&Method::TRACE, &path.replace(['{', '}', '*'], ""));
            if seen(&gateway, by(name, request)).await.status != 403 {
                allowed.push(*name);
            }
        }
        let is_open =
            ["/health", "/openapi.json"].contains(&path.as_str()) || path.starts_with("/dashboard");
        assert_eq!(allowed.len(), if is_open { 3 } else { 1 }, "{path}: {allowed:?}");
    }
}

/// What is asked for by other ways than a path of the table.
#[tokio::test]
async fn other_spellings_of_a_path_open_nothing() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, &one_for_each_scope()).await;
    let key = key("models");
    for (line, expected) in [
        ("GET http://localhost/agents HTTP/1.1", 403),
        ("GET http://localhost/agents/ HTTP/1.1", 403),
        ("GET /agents?x=/v1/ HTTP/1.1", 403),
        ("GET /agents%2f HTTP/1.1", 404),
        ("GET /agents;/ HTTP/1.1", 404),
        ("GET /Agents HTTP/1.1", 404),
        ("GET //agents HTTP/1.1", 404),
        ("GET /v1//agents HTTP/1.1", 404),
        ("GET /v1/../agents HTTP/1.1", 400),
        ("GET /v1/%2e%2e/agents HTTP/1.1", 400),
        ("GET /v1\\..\\agents HTTP/1.1", 400),
        ("GET /v1/..%2fagents HTTP/1.1", 404),
        ("OPTIONS /agents HTTP/1.1", 403),
        ("OPTIONS * HTTP/1.1", 404),
        ("TRACE /agents HTTP/1.1", 403),
        ("agents /agents HTTP/1.1", 403),
        ("HEAD /metrics HTTP/1.1", 403),
        ("CONNECT localhost:80 HTTP/1.1", 404),
    ] {
        let mut raw = Raw::connect(gateway.addr).await;
        raw.write(format!("{line}\r\nhost: localhost\r\nx-api-key: {key}\r\n\r\n")).await;
        let head = raw.until(b"\r\n\r\n").await.expect(line);
        let head = String::from_utf8_lossy(&head).into_owned();
        assert!(head.starts_with(&format!("HTTP/1.1 {expected} ")), "{line}: {head}");
    }
    // An upgrade changes nothing.
    let mut raw = Raw::connect(gateway.addr).await;
    raw.write(format!(
        "GET /ws HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ))
    .await;
    assert_eq!(raw.response().await.unwrap().status, 403);
}

/// Liveness is public; the list of agents is not.
#[tokio::test]
async fn health_shows_the_agents_to_those_that_may_use_them() {
    const AGENTS: &str = "agents: [{id: mine, type: process, command: cat}]\n";
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, &format!("{}{AGENTS}", one_for_each_scope())).await;
    for (request, shown) in [
        (by_nobody(get("/health")), false),
        (by("models", get("/health")), false),
        (by("admin", get("/health")), false),
        (by("agents", get("/health")), true),
        (by("all", get("/health")), true),
    ] {
        let health = json(&seen(&gateway, request).await);
        assert_eq!(health["status"], "ok");
        assert_eq!(health.get("agents").is_some(), shown, "{health}");
        assert_eq!(health.to_string().contains("mine"), shown, "{health}");
    }
    let gateway = house(&provider, AGENTS).await;
    let health = json(&seen(&gateway, by_nobody(get("/health"))).await);
    assert!(health["agents"].to_string().contains("mine"), "{health}");
}

#[tokio::test]
async fn keys_come_in_either_header_and_over_either_version() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, &one_for_each_scope()).await;
    let (good, body) = (key("models"), ask().to_string());
    for (lines, expected) in [
        (format!("authorization: Bearer {good}\r\n"), 200),
        (format!("Authorization: bearer  {good}\r\n"), 200),
        (format!("x-api-key: {good}\r\n"), 200),
        (format!("authorization: Bearer {good}\r\nx-api-key: other\r\n"), 200),
        (format!("authorization: Basic eDp5\r\nx-api-key: {good}\r\n"), 200),
        (format!("authorization: Bearer other\r\nx-api-key: {good}\r\n"), 401),
        (format!("authorization: Basic {good}\r\n"), 401),
        (format!("authorization: {good}\r\n"), 401),
        (format!("authorization: Bearer {good}x\r\n"), 401),
        (format!("authorization: Bearer {}\r\n", good.to_uppercase()), 401),
        ("authorization: Bearer \r\n".to_owned(), 401),
        (format!("authorization: Bearer {good}\r\nauthorization: Bearer {good}\r\n"), 400),
        (format!("x-api-key: {good}\r\nx-api-key: other\r\n"), 400),
        (String::new(), 401),
    ] {
        let mut raw = Raw::connect(gateway.addr).await;
        let length = body.len();
        raw.write(format!(
            "POST {CHAT} HTTP/1.1\r\nhost: localhost\r\n{lines}content-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        ))
        .await;
        assert_eq!(raw.response().await.expect("an answer").status, expected, "{lines}");
    }
    // Never in the URL.
    let path = format!("/v1/models?key={good}&api_key={good}&access_token={good}");
    assert_eq!(seen(&gateway, by_nobody(get(&path))).await.status, 401);
    for version in VERSIONS {
        let answer = send_as(version, gateway.addr, by("models", post(CHAT, &ask()))).await;
        assert_eq!(answer.status(), 200);
        let answer = send_as(version, gateway.addr, by_nobody(post(CHAT, &ask()))).await;
        assert_eq!(answer.status(), 401);
    }
}

/// One address has so many guesses, but clients behind it that have a key are not locked out.
#[tokio::test]
async fn guesses_are_limited_and_known_keys_are_not() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, &one_for_each_scope()).await;
    let guess =
        async |n: usize| seen(&gateway, with_key(&format!("st-{n}"), get("/v1/models"))).await;
    for n in 0..30 {
        let seen = guess(n).await;
        assert_eq!(outcome(&seen), (401, "UNAUTHORIZED".into()));
        assert!(seen.header("www-authenticate").contains("invalid_token"));
    }
    // One comes back with every two seconds.
    let mut limited = None;
    for n in 30..60 {
        let seen = guess(n).await;
        if seen.status == 429 {
            limited = Some(seen);
            break;
        }
    }
    let limited = limited.expect("guessing comes to an end");
    assert_eq!(outcome(&limited), (429, "RATE_LIMITED".into()));
    assert!(limited.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));
    assert_eq!(call(&gateway, "models").await.status, 200);
    let nobody = seen(&gateway, by_nobody(get("/v1/models"))).await;
    assert_eq!(nobody.status, 401, "no key is no guess");
}

/// It is of no use to anybody further in.
#[tokio::test]
async fn a_key_reaches_no_provider_and_no_log() {
    let provider = always(Reply::chat("Hi")).await;
    let yaml = gateway::yaml(&provider.base_url(), &one_for_each_scope());
    let gateway = Binary::start(&yaml, &[("RUST_LOG", "trace,h2=info")]).await;
    let wrong = "st-a-key-that-nobody-has";
    for version in VERSIONS {
        for request in [
            by("models", post(CHAT, &ask())),
            by("models", get("/agents")),
            with_key(wrong, get("/v1/models")),
        ] {
            send_as(version, gateway.addr, request).await;
        }
        let mut request = by_nobody(post(CHAT, &ask()));
        request.headers_mut().insert("x-api-key", key("models").parse().unwrap());
        assert_eq!(send_as(version, gateway.addr, request).await.status(), 200);
    }
    let received = provider.received();
    assert_eq!(received.len(), 4);
    for request in received {
        assert_eq!(request.header("authorization"), Some("Bearer sk-main"));
        let told = format!("{request:?}");
        assert!(!told.contains(&key("models")), "{told}");
    }
    let log = gateway.log();
    assert!(log.contains("answered"), "it logs: {log}");
    assert!(!log.contains(&key("models")) && !log.contains(wrong), "{log}");
}

#[tokio::test]
async fn without_configured_keys_nothing_is_asked_for() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    for path in ["/v1/models", "/model-gateway/health", "/health"] {
        for request in [by_nobody(get(path)), with_key("st-any", get(path))] {
            assert_eq!(seen(&gateway, request).await.status, 200, "{path}");
        }
    }
}
