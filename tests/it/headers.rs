//! Header hygiene, both ways: what passes, what stays, and what is set.

use crate::support::*;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Names and values as they came, in order of the names.
fn lines(headers: &HeaderMap) -> Vec<String> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut lines: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
    lines.sort_unstable();
    lines
}

fn names(received: &Received) -> Vec<&str> {
    let mut names: Vec<_> = received.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

/// What a request looks like at the provider after these lines of the client's.
async fn sent_on(settings: &str, headers: &str) -> Received {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::with(&provider, settings).await;
    let mut raw = Raw::connect(gateway.addr).await;
    raw.post_with(CHAT, headers, &ask().to_string()).await;
    assert_eq!(raw.response().await.expect("an answer").status, 200);
    provider.received().remove(0)
}

/// The whole head, so that nothing slips through because no test names it.
#[tokio::test]
async fn the_provider_gets_this_and_nothing_else() {
    let provider = Canned::start("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    let gateway = Gateway::at(&provider.base_url(), "").await;
    let mut raw = Raw::connect(gateway.addr).await;
    let headers = "x-request-id: abc\r\nuser-agent: sdk/1\r\naccept-encoding: gzip, br\r\n";
    raw.post_with(EMBEDDINGS, headers, &ask().to_string()).await;
    assert_eq!(raw.response().await.unwrap().status, 200);
    let head = provider.heads().remove(0);
    let mut lines = head.trim_end().split("\r\n");
    assert_eq!(lines.next(), Some("POST /v1/embeddings HTTP/1.1"));
    let mut lines: Vec<_> = lines.map(str::to_owned).collect();
    lines.sort_unstable();
    // Another one each time.
    let trace = lines.iter().position(|line| line.starts_with("traceparent: 00-"));
    lines.remove(trace.expect("a trace begins"));
    assert_eq!(
        lines,
        [
            "accept-encoding: identity".to_owned(),
            "authorization: Bearer sk-main".into(),
            format!("content-length: {}", ask().to_string().len()),
            "content-type: application/json".into(),
            format!("host: {}", provider.addr()),
            "user-agent: sdk/1".into(),
            "x-forwarded-for: 127.0.0.1".into(),
            "x-forwarded-host: localhost".into(),
            "x-forwarded-proto: http".into(),
            "x-request-id: abc".into(),
        ]
    );
}

#[tokio::test]
async fn hop_by_hop_headers_end_here() {
    let received = sent_on(
        "",
        "connection: x-hop-one, keep-alive\r\nConnection: X-Hop-Two ,, te\r\n\
         x-hop-one: 1\r\nx-hop-two: 2\r\nX-HOP-TWO: 2b\r\nx-stays: 3\r\nx-stays: 4\r\n\
         keep-alive: timeout=5\r\nproxy-connection: keep-alive\r\nproxy-authorization: Basic x\r\n\
         te: trailers\r\ntrailer: x-sum\r\nupgrade: websocket\r\n",
    )
    .await;
    assert_eq!(
        names(&received),
        [
            "accept-encoding",
            "authorization",
            "content-length",
            "content-type",
            "host",
            "traceparent",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-request-id",
            "x-stays",
        ]
    );
    assert_eq!(received.headers.get_all("x-stays").iter().count(), 2);
}

/// Naming a header in `Connection` must not take away what the gateway itself says.
#[tokio::test]
async fn connection_lines_cannot_name_what_the_gateway_sets() {
    let named = "connection: authorization, x-forwarded-for, x-forwarded-proto, host, \
                 content-length, accept-encoding\r\n";
    let received = sent_on("", named).await;
    for (name, value) in [
        ("authorization", "Bearer sk-main"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("accept-encoding", "identity"),
    ] {
        assert_eq!(received.header(name), Some(value), "{name}");
    }
    assert_eq!(received.json(), ask());
}

const SPOOFED: &str = "x-forwarded-for: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2, 3.3.3.3\r\n\
                       forwarded: for=1.1.1.1;proto=https\r\nx-real-ip: 1.1.1.1\r\n\
                       x-forwarded-proto: https\r\nx-forwarded-host: evil.example\r\n";

fn forwarded(received: &Received) -> Vec<String> {
    let mut lines = lines(&received.headers);
    lines.retain(|line| line.contains("forwarded") || line.starts_with("x-real-ip"));
    lines
}

#[tokio::test]
async fn a_strangers_forwarded_headers_are_overwritten() {
    for settings in ["", "trusted_proxies: [10.0.0.0/8, \"::1\"]"] {
        let received = sent_on(settings, SPOOFED).await;
        assert_eq!(
            forwarded(&received),
            [
                "x-forwarded-for: 127.0.0.1",
                "x-forwarded-host: localhost",
                "x-forwarded-proto: http"
            ]
        );
    }
}

#[tokio::test]
async fn a_trusted_proxys_forwarded_headers_are_kept() {
    for settings in ["trusted_proxies: [127.0.0.1]", "trusted_proxies: [10.0.0.7, 127.0.0.0/8]"] {
        let received = sent_on(settings, SPOOFED).await;
        assert_eq!(
            forwarded(&received),
            [
                "forwarded: for=1.1.1.1;proto=https",
                "x-forwarded-for: 1.1.1.1, 2.2.2.2, 3.3.3.3, 127.0.0.1",
                "x-forwarded-host: evil.example",
                "x-forwarded-proto: https",
                "x-real-ip: 1.1.1.1"
            ]
        );
    }
}

#[tokio::test]
async fn the_clients_credentials_do_not_leave() {
    let received = sent_on(
        "",
        "Authorization: Bearer second\r\nx-api-key: secret\r\napi-key: secret\r\n\
         x-goog-api-key: secret\r\nx-auth-token: secret\r\ncookie: session=secret\r\ncookie: more=secret\r\n\
         proxy-authorization: Basic secret\r\nopenai-organization: org-secret\r\n\
         openai-project: proj-secret\r\nreferer: http://localhost/secret\r\n",
    )
    .await;
    let lines = lines(&received.headers);
    let credentials: Vec<_> =
        lines.iter().filter(|line| line.contains("secret") || line.contains("Bearer")).collect();
    assert_eq!(credentials, ["authorization: Bearer sk-main"]);
}

#[tokio::test]
async fn the_providers_own_headers_do_not_come_back() {
    let provider = Canned::start(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\
         Connection: x-hop-one\r\nconnection: X-Hop-Two, keep-alive\r\nx-hop-one: 1\r\n\
         x-hop-two: 2\r\nkeep-alive: timeout=5\r\nproxy-authenticate: Basic\r\ntrailer: x\r\n\
         upgrade: h2c\r\nset-cookie: a=b\r\nset-cookie: c=d\r\n\
         x-ratelimit-limit-requests: 9\r\nX-RateLimit-RateLimitHeaders-Tokens: 9\r\n\
         access-control-allow-origin: *\r\naccess-control-expose-headers: *\r\n\
         strict-transport-security: max-age=1\r\nalt-svc: h3\r\nclear-site-data: *\r\n\
         x-request-id: theirs\r\nx-switchtower-provider: theirs\r\n\
         x-switchtower-attempts: 99\r\nx-custom: 1\r\nx-custom: 2\r\n\
         openai-processing-ms: 12\r\nretry-after: 3\r\ndate: Thu, 01 Oct 2026 10:00:00 GMT\r\n\
         \r\n{}",
    )
    .await;
    let gateway = Gateway::at(&provider.base_url(), "").await;
    let expected = [
        "content-length: 2",
        "content-type: application/json",
        "date: Thu, 01 Oct 2026 10:00:00 GMT",
        "openai-processing-ms: 12",
        "retry-after: 3",
        "x-custom: 1",
        "x-custom: 2",
        "x-request-id: ours",
        "x-switchtower-attempts: 1",
        "x-switchtower-model: m",
        "x-switchtower-provider: main",
    ];
    for version in VERSIONS {
        let mut request = post(EMBEDDINGS, &ask());
        request.headers_mut().insert("x-request-id", HeaderValue::from_static("ours"));
        let response = send_as(version, gateway.addr, request).await;
        assert_eq!(lines(response.headers()), expected, "{version:?}");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let provider = always(Reply::chat("Hi").header("x-request-id", "theirs")).await;
    let gateway = Gateway::before(&provider).await;
    let mut seen = Vec::new();
    for (request, status) in [
        (post(CHAT, &ask()), 200),
        (post(CHAT, &ask()), 200),
        (client::post_bytes(CHAT, "{"), 400),
        (get("/nowhere"), 404),
        (get(CHAT), 405),
        (get("/health"), 200),
    ] {
        let response = send(gateway.addr, request).await;
        assert_eq!(response.status(), status);
        let ids: Vec<_> = response.headers().get_all("x-request-id").iter().cloned().collect();
        assert!(ids.len() == 1 && ids[0].len() == 36, "{ids:?}");
        assert!(!seen.contains(&ids), "{ids:?} twice");
        seen.push(ids);
    }
    assert_eq!(provider.received()[0].headers["x-request-id"], seen[0][0]);
}

#[tokio::test]
async fn a_request_id_that_was_given_is_kept() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    for (path, status) in [(CHAT, 200), ("/v1/models", 405)] {
        let mut request = post(path, &ask());
        request.headers_mut().insert("x-request-id", HeaderValue::from_static("mine-1"));
        let response = send(gateway.addr, request).await;
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["x-request-id"], "mine-1");
    }
    assert_eq!(provider.received()[0].header("x-request-id"), Some("mine-1"));
}

/// Without an interim answer the client keeps the body to itself.
#[tokio::test]
async fn a_body_that_will_be_refused_is_not_asked_for() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::with(&provider, "body_limit_mb: 1").await;
    let json = "content-type: application/json\r\n";
    for (headers, status) in [
        (format!("{json}content-length: 1048577\r\n"), 413),
        (format!("{json}content-encoding: br\r\ncontent-length: 10\r\n"), 415),
        (format!("{json}origin: https://evil.example\r\ncontent-length: 10\r\n"), 403),
        ("content-type: text/plain\r\ncontent-length: 10\r\n".into(), 415),
    ] {
        let mut raw = Raw::connect(gateway.addr).await;
        raw.write(format!(
            "POST {CHAT} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n{headers}\r\n"
        ))
        .await;
        assert_eq!(raw.response().await.unwrap().status, status, "{headers}");
        // The server cannot know whether the body comes all the same.
        assert_eq!(raw.rest().await.unwrap(), b"", "{headers}");
    }
}

#[tokio::test]
async fn a_body_that_is_welcome_is_asked_for_once() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    let body = ask().to_string();
    let mut raw = Raw::connect(gateway.addr).await;
    for _ in 0..2 {
        raw.write(format!(
            "POST {CHAT} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        ))
        .await;
        assert_eq!(raw.response().await.unwrap().status, 100);
        raw.write(&body).await;
        assert_eq!(raw.response().await.unwrap().status, 200);
    }
    assert!(provider.received().iter().all(|received| received.header("expect").is_none()));
}
