//! Access to a gateway on this machine: programs of this machine, and no web page.

use std::net::SocketAddr;

use crate::support::{raw::RawResponse, *};
use http::{Method, Request, header::HOST};
use http_body_util::Full;

/// A gateway, its provider, and what neither of them ever says.
struct Site {
    provider: Provider,
    gateway: Gateway,
}

impl Site {
    /// The provider is generous with CORS; that is not for others.
    async fn new() -> Self {
        let reply = Reply::chat("Hi").header("access-control-allow-origin", "*");
        let provider = always(reply.header("access-control-allow-credentials", "true")).await;
        let gateway = Gateway::before(&provider).await;
        Self { provider, gateway }
    }

    fn addr(&self) -> SocketAddr {
        self.gateway.addr
    }

    /// Sends a small request with exactly these header lines, and those of its body.
    async fn send(&self, start: &str, headers: &str) -> RawResponse {
        let body = ask().to_string();
        let length = body.len();
        let mut raw = Raw::connect(self.addr()).await;
        raw.write(format!("{start} HTTP/1.1\r\n{headers}content-length: {length}\r\n\r\n{body}"))
            .await;
        let response = raw.response().await.expect("an answer");
        let cors = |(name, _): &&(String, String)| name.starts_with("access-control-");
        assert_eq!(response.headers.iter().find(cors), None, "{start}: {headers:?}");
        response
    }

    /// The status, and the code if it is an error; then nothing may have reached the provider.
    async fn status(&self, start: &str, headers: &str) -> (u16, String) {
        let before = self.provider.received().len();
        let response = self.send(start, headers).await;
        if response.status < 400 {
            return (response.status, String::new());
        }
        assert_eq!(self.provider.received().len(), before, "{start}: {headers:?}");
        assert_eq!(response.header("content-type"), Some("application/json"));
        (response.status, envelope(&response.body).code)
    }
}

fn passes() -> (u16, String) {
    (200, String::new())
}

fn forbidden() -> (u16, String) {
    (403, "FORBIDDEN".into())
}

fn invalid() -> (u16, String) {
    (400, "INVALID_REQUEST".into())
}

fn unsupported() -> (u16, String) {
    (415, "UNSUPPORTED_MEDIA_TYPE".into())
}

const JSON: &str = "content-type: application/json\r\n";
const LOCAL: &str = "host: localhost\r\ncontent-type: application/json\r\n";
const POST: &str = "POST /v1/chat/completions";

/// A name that an attacker's DNS resolves to 127.0.0.1 is still the attacker's.
#[tokio::test]
async fn only_loopback_hosts_are_answered() {
    let site = Site::new().await;
    for (host, expected) in [
        ("localhost", passes()),
        ("LocalHost:1234", passes()),
        ("127.0.0.1:3000", passes()),
        ("127.0.0.9", passes()),
        ("[::1]:3000", passes()),
        ("evil.example", forbidden()),
        ("evil.example:3000", forbidden()),
        ("localhost.evil.example", forbidden()),
        ("127.0.0.1.nip.io", forbidden()),
        ("192.168.1.10:3000", forbidden()),
        ("0.0.0.0:3000", forbidden()),
        ("[::]:3000", forbidden()),
        ("", invalid()),
        ("local host", invalid()),
        ("localhost\r\nhost: localhost", invalid()),
    ] {
        for start in [POST, "GET /v1/models", "GET /health", "GET /nowhere"] {
            let expected = match start {
                "GET /nowhere" if expected == passes() => (404, "NOT_FOUND".into()),
                _ => expected.clone(),
            };
            let headers = format!("host: {host}\r\n{JSON}");
            assert_eq!(site.status(start, &headers).await, expected, "{start} at {host:?}");
        }
    }
    assert_eq!(site.status(POST, JSON).await, invalid(), "no host at all");
}

#[tokio::test]
async fn the_host_in_the_request_line_counts_too() {
    let site = Site::new().await;
    for (start, host, expected) in [
        ("POST http://localhost:1/v1/chat/completions", "localhost", passes()),
        ("POST http://evil.example/v1/chat/completions", "localhost", forbidden()),
        ("POST http://localhost/v1/chat/completions", "evil.example", forbidden()),
    ] {
        let headers = format!("host: {host}\r\n{JSON}");
        assert_eq!(site.status(start, &headers).await, expected, "{start} at {host}");
    }
}

#[tokio::test]
async fn the_host_counts_over_http2() {
    let site = Site::new().await;
    let h2 = H2::connect(site.addr()).await.unwrap();
    for (authority, host, status) in [
        ("localhost", None, 200),
        ("evil.example", None, 403),
        ("evil.example", Some("localhost"), 403),
        ("localhost", Some("evil.example"), 403),
    ] {
        let mut request = post(CHAT, &ask());
        if let Some(host) = host {
            request.headers_mut().insert(HOST, host.parse().unwrap());
        }
        let response = h2.send_to(authority, request).await.unwrap();
        assert_eq!(response.status(), status, "{authority} and {host:?}");
    }
    assert_eq!(site.provider.received().len(), 1);
}

/// A form on any web page can send a POST here, and the browser says from where.
#[tokio::test]
async fn foreign_origins_may_not_change_anything() {
    let site = Site::new().await;
    for (origin, expected) in [
        ("http://localhost:3000", passes()),
        ("https://evil.example", forbidden()),
        ("http://localhost:3001", forbidden()),
        ("http://localhost", forbidden()),
        ("http://127.0.0.1:3000", forbidden()),
        ("http://localhost:3000.evil.example", forbidden()),
        ("null", forbidden()),
        ("", forbidden()),
        ("http://localhost:3000\r\norigin: https://evil.example", forbidden()),
    ] {
        let headers = format!("host: localhost:3000\r\norigin: {origin}\r\n{JSON}");
        assert_eq!(site.status(POST, &headers).await, expected, "{origin:?}");
        for start in ["PUT /v1/chat/completions", "DELETE /v1/models/m", "PATCH /nowhere"] {
            let (status, _) = site.status(start, &headers).await;
            assert_eq!(status == 403, expected == forbidden(), "{start} from {origin:?}");
        }
    }
}

/// Reading is not refused: without CORS headers the browser keeps the answer from the page.
#[tokio::test]
async fn no_answer_has_cors_headers() {
    let site = Site::new().await;
    let origin = format!("{LOCAL}origin: https://evil.example\r\n");
    let preflight = format!(
        "{origin}access-control-request-method: POST\r\naccess-control-request-headers: *\r\n"
    );
    for (start, headers, status) in [
        (POST, LOCAL, 200),
        (POST, &origin, 403),
        ("GET /v1/models", &origin, 200),
        ("GET /health", &origin, 200),
        ("GET /nowhere", &origin, 404),
        ("OPTIONS /v1/chat/completions", &preflight, 405),
        ("OPTIONS /v1/models", &preflight, 405),
        ("OPTIONS /nowhere", &preflight, 404),
        ("OPTIONS *", &preflight, 404),
    ] {
        assert_eq!(site.send(start, headers).await.status, status, "{start}: {headers:?}");
    }
    for request in [get("/v1/models"), post(CHAT, &ask())] {
        let response = send_h2(site.addr(), request).await.unwrap();
        let cors = |name: &&http::HeaderName| name.as_str().starts_with("access-control");
        assert_eq!(response.headers().keys().find(cors), None);
    }
    let preflight = Request::builder().method(Method::OPTIONS).uri(CHAT);
    let preflight = preflight.header("origin", "https://evil.example").body(Full::default());
    let response = send_h2(site.addr(), preflight.unwrap()).await.unwrap();
    assert_eq!(response.status(), 405);
}

/// A form cannot send JSON, and a page that says JSON is asked for a preflight.
#[tokio::test]
async fn bodies_say_that_they_are_json() {
    let site = Site::new().await;
    for (content_type, expected) in [
        ("application/json", passes()),
        ("Application/JSON; charset=utf-8", passes()),
        ("application/vnd.api+json", passes()),
        ("text/plain", unsupported()),
        ("application/x-www-form-urlencoded", unsupported()),
        ("multipart/form-data; boundary=application/json", unsupported()),
        ("text/plain; application/json", unsupported()),
        ("application/json, text/plain", unsupported()),
        ("", unsupported()),
    ] {
        let headers = format!("host: localhost\r\ncontent-type: {content_type}\r\n");
        assert_eq!(site.status(POST, &headers).await, expected, "{content_type:?}");
    }
    assert_eq!(site.status(POST, "host: localhost\r\n").await, unsupported());
}

/// They would reach other paths of the provider than the gateway thinks.
#[tokio::test]
async fn paths_that_may_become_others_are_refused() {
    let site = Site::new().await;
    for path in [
        "/v1/../admin",
        "/v1/chat/../../admin",
        "/v1/./models",
        "/v1/%2e%2e/admin",
        "/v1/.%2E/admin",
        "/v1/x/..",
        "/v1/x\\..\\..\\admin",
        "/../v1/chat/completions",
        "/v1/..%2fadmin",
        "/v1/..;/admin",
        "/v1/%252e%252e/admin",
        "/v1/a%00",
    ] {
        assert_eq!(site.status(&format!("POST {path}"), LOCAL).await, invalid(), "{path}");
    }
    assert_eq!(site.status("POST /v1/.well-known/a..b/...", LOCAL).await, passes());
}
