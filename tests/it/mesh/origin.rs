//! A page of another origin cannot submit a task or read events.

use crate::support::{raw::RawResponse, *};

const OWN: &str = "http://localhost:3000";
const FOREIGN: [&str; 5] = [
    "https://evil.example",
    "http://localhost:5173",
    "http://127.0.0.1:3000",
    "null",
    "http://localhost:3000.evil.example",
];
const HANDSHAKE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// The head only: a stream goes on.
async fn head(gateway: &Gateway, start: &str, headers: &str, body: &str) -> String {
    let mut raw = Raw::connect(gateway.addr).await;
    let length = body.len();
    let end = format!("content-length: {length}\r\n\r\n{body}");
    raw.write(format!("{start} HTTP/1.1\r\nhost: localhost:3000\r\n{headers}{end}")).await;
    let head = String::from_utf8(raw.until(b"\r\n\r\n").await.unwrap()).unwrap();
    assert!(!head.to_ascii_lowercase().contains("\r\naccess-control-"), "{head}");
    head
}

async fn status(gateway: &Gateway, start: &str, headers: &str, body: &str) -> String {
    head(gateway, start, headers, body).await["HTTP/1.1 ".len()..][..3].to_owned()
}

#[tokio::test]
async fn a_foreign_page_cannot_submit_a_task() {
    let gateway = Gateway::start("port: 0").await;
    let task = r#"{"payload":{"task":"rm -rf"}}"#;
    for path in ["/tasks", "/spaces", "/broadcast", "/agents", "/spaces/x/messages"] {
        let start = format!("POST {path}");
        for origin in FOREIGN {
            for kind in ["text/plain", "application/json", "application/x-www-form-urlencoded"] {
                let headers = format!("origin: {origin}\r\ncontent-type: {kind}\r\n");
                assert_eq!(
                    status(&gateway, &start, &headers, task).await,
                    "403",
                    "{path}: {headers}"
                );
            }
        }
        for site in ["cross-site", "same-site"] {
            let headers = format!("sec-fetch-site: {site}\r\ncontent-type: application/json\r\n");
            assert_eq!(status(&gateway, &start, &headers, task).await, "403", "{path}: {headers}");
        }
        let plain = "content-type: text/plain\r\n";
        assert_eq!(status(&gateway, &start, plain, task).await, "415", "{path}");
        let preflight = "origin: https://evil.example\r\naccess-control-request-method: POST\r\n\
                         access-control-request-headers: content-type\r\n";
        let answer = status(&gateway, &format!("OPTIONS {path}"), preflight, "").await;
        assert!(answer.starts_with('4'), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_foreign_page_cannot_change_artifacts() {
    let gateway = Gateway::start("port: 0").await;
    for start in ["PUT /spaces/x/artifacts/a", "DELETE /spaces/x/artifacts/a", "DELETE /spaces/x"] {
        for origin in FOREIGN {
            let headers = format!("origin: {origin}\r\n");
            assert_eq!(status(&gateway, start, &headers, "").await, "403", "{start}: {origin}");
        }
        let headers = format!("origin: {OWN}\r\n");
        assert_eq!(status(&gateway, start, &headers, "").await, "404", "{start}");
    }
}

#[tokio::test]
async fn a_foreign_page_cannot_read_events() {
    let gateway = Gateway::start("port: 0").await;
    for (path, handshake) in [("/events", ""), ("/events?lastEventId=1", ""), ("/ws", HANDSHAKE)] {
        let start = format!("GET {path}");
        for origin in FOREIGN {
            let headers = format!("{handshake}origin: {origin}\r\n");
            assert_eq!(status(&gateway, &start, &headers, "").await, "403", "{path}: {origin}");
        }
        // As an image or a script of that page, which has no origin.
        for site in ["cross-site", "same-site"] {
            let headers =
                format!("{handshake}sec-fetch-site: {site}\r\nsec-fetch-mode: no-cors\r\n");
            assert_eq!(status(&gateway, &start, &headers, "").await, "403", "{path}: {site}");
        }
        let opens = if handshake.is_empty() { "200" } else { "101" };
        for own in [
            &format!("origin: {OWN}\r\nsec-fetch-site: same-origin\r\n"),
            "sec-fetch-site: none\r\n",
            "",
        ] {
            let headers = format!("{handshake}{own}");
            assert_eq!(status(&gateway, &start, &headers, "").await, opens, "{path}: {own}");
        }
    }
}

/// A name of the attacker's that leads here makes the page's origin the gateway's own.
#[tokio::test]
async fn a_rebound_name_reads_nothing() {
    let gateway = Gateway::start("port: 0").await;
    for (start, headers) in [("GET /events", ""), ("GET /ws", HANDSHAKE), ("GET /spaces", "")] {
        let mut raw = Raw::connect(gateway.addr).await;
        let own = "host: evil.example:3000\r\norigin: http://evil.example:3000\r\n";
        raw.write(format!("{start} HTTP/1.1\r\n{own}{headers}\r\n")).await;
        let answer: RawResponse = raw.response().await.unwrap();
        assert_eq!(answer.status, 403, "{start}");
    }
}
