//! An answer that comes before the request's body was sent reaches the client all the same.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use http::header::{HOST, HeaderValue};
use switchtower::config::KeyHash;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::spawn_blocking,
};

use crate::support::{
    Authority, CHAT, Gateway, Provider, Raw, Reply, TEST_TIMEOUT, always, ask, client, envelope,
    post, send_h2, soon,
};

/// More than the kernel buffers for both ends.
const LARGE: usize = 16 << 20;

async fn small(provider: &Provider, more: &str) -> Gateway {
    Gateway::with(provider, &format!("body_limit_mb: 1\n{more}")).await
}

/// A client that sends all that it has to say before it reads, as most simple ones do. It gets
/// everything up to the end of the stream.
async fn answer(addr: SocketAddr, head: String, body: Vec<u8>) -> String {
    let talk = move || {
        let mut stream = TcpStream::connect(addr).expect("a connection");
        stream.set_read_timeout(Some(TEST_TIMEOUT)).expect("a socket");
        stream.write_all(head.as_bytes()).expect("the head is sent");
        stream.write_all(&body).expect("all of the body is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer, and a clean end");
        answer
    };
    spawn_blocking(talk).await.expect("no panic")
}

fn head(lines: &str) -> String {
    format!("POST {CHAT} HTTP/1.1\r\ncontent-type: application/json\r\n{lines}\r\n")
}

#[track_caller]
fn assert_refused(answer: &str, status: u16, code: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(head.contains("\r\nconnection: close"), "{answer}");
    assert_eq!(envelope(body.as_bytes()).code, code, "{answer}");
}

#[tokio::test]
async fn a_client_that_sends_everything_first_reads_why_it_is_too_much() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = small(&provider, "").await;
    let announced = head(&format!("host: localhost\r\ncontent-length: {LARGE}\r\n"));
    assert_refused(
        &answer(gateway.addr, announced, vec![b'x'; LARGE]).await,
        413,
        "PAYLOAD_TOO_LARGE",
    );
    // Of unknown length: refused when the limit is passed.
    let chunked = head("host: localhost\r\ntransfer-encoding: chunked\r\n");
    let mut chunks = Vec::with_capacity(LARGE + (1 << 20));
    for _ in 0..LARGE >> 16 {
        chunks.extend_from_slice(b"10000\r\n");
        chunks.resize(chunks.len() + (1 << 16), b'x');
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(b"0\r\n\r\n");
    assert_refused(&answer(gateway.addr, chunked, chunks).await, 413, "PAYLOAD_TOO_LARGE");
    assert!(provider.received().is_empty());
}

#[tokio::test]
async fn every_early_refusal_is_read() {
    let provider = always(Reply::chat("Hi")).await;
    let body = || vec![b' '; LARGE / 2];
    let length = format!("content-length: {}\r\n", LARGE / 2);
    let open = Gateway::with(&provider, "limits: {header_kb: 1}").await;
    let key = KeyHash::of(b"st-known");
    let keys = format!("auth: {{keys: [{{name: a, hash: '{key}', scopes: [agents]}}]}}\n");
    let keyed = Gateway::with(&provider, &keys).await;
    let long = format!("host: localhost\r\nx-long: {}\r\n", "x".repeat(2000));
    for (gateway, lines, status, code) in [
        (&open, "host: evil.example\r\n", 403, "FORBIDDEN"),
        (&open, "host: localhost\r\ncontent-encoding: br\r\n", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (&open, "host: localhost\r\norigin: null\r\n", 403, "FORBIDDEN"),
        (&open, &long, 431, "INVALID_REQUEST"),
        (&keyed, "host: localhost\r\n", 401, "UNAUTHORIZED"),
        (&keyed, "host: localhost\r\nx-api-key: st-unknown\r\n", 401, "UNAUTHORIZED"),
        (&keyed, "host: localhost\r\nx-api-key: st-known\r\n", 403, "FORBIDDEN"),
    ] {
        let answer = answer(gateway.addr, head(&format!("{lines}{length}")), body()).await;
        assert_refused(&answer, status, code);
    }
    let limit = format!(
        "models: {{rate_limit: {{{CHAT}: {{rpm: 1}}}}, providers: {{main: {{base_url: '{}', \
         api_key: sk-main, models: [m]}}}}}}",
        provider.base_url()
    );
    let limited = Gateway::start(&limit).await;
    let mut raw = Raw::connect(limited.addr).await;
    raw.post(CHAT, &ask().to_string()).await;
    assert_eq!(raw.response().await.unwrap().status, 200);
    let lines = format!("host: localhost\r\n{length}");
    assert_refused(&answer(limited.addr, head(&lines), body()).await, 429, "RATE_LIMITED");
}

/// Rejections by every part: the control plane, a missing route, and the server itself, which
/// cannot even read the head.
#[tokio::test]
async fn other_refusals_are_read_as_well() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    let size = LARGE / 2;
    let rest = format!("host: localhost\r\ncontent-length: {size}\r\n");
    let json = "content-type: application/json\r\n";
    let line = format!("x-long: {}\r\n", "x".repeat(1000));
    for (head, status) in [
        (format!("POST /tasks HTTP/1.1\r\n{json}{rest}\r\n"), 413),
        (format!("POST /nowhere HTTP/1.1\r\n{json}{rest}\r\n"), 404),
        (format!("PUT /spaces/none/artifacts/a HTTP/1.1\r\n{rest}\r\n"), 404),
        (format!("POST {CHAT} HTTP/1.1\r\n{}", line.repeat(2000)), 431),
        (format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n"), 400),
        (format!("POST {CHAT} HTTP/1.1\r\nno header\r\n\r\n"), 400),
    ] {
        let start = head[..40].to_owned();
        let answer = answer(gateway.addr, head, vec![b'x'; size]).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{start}: {answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{start}: {answer}");
    }
}

#[tokio::test]
async fn it_is_read_over_tls_and_http2_as_well() {
    let provider = always(Reply::chat("Hi")).await;
    let (authority, files) = (Authority::new(), tempfile::tempdir().unwrap());
    authority.issue("localhost", files.path());
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| files.path().join(name));
    let tls = format!("tls: {{cert: '{}', key: '{}'}}", cert.display(), key.display());
    let secured = small(&provider, &tls).await;
    let mut stream = authority.connect(secured.addr, "localhost", &[]).await.unwrap();
    let size = LARGE / 4;
    let head = head(&format!("host: localhost\r\ncontent-length: {size}\r\n"));
    let mut answer = String::new();
    soon(async {
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b'x'; size]).await.unwrap();
        stream.flush().await.unwrap();
        stream.read_to_string(&mut answer).await.unwrap();
    })
    .await;
    assert_refused(&answer, 413, "PAYLOAD_TOO_LARGE");

    let plain = small(&provider, "").await;
    let request = client::post_bytes(CHAT, vec![b'x'; size]);
    let response = send_h2(plain.addr, request).await.unwrap();
    assert_eq!(response.status(), 413);
    assert!(!response.headers().contains_key("connection"));
    assert_eq!(envelope(&client::body(response).await).code, "PAYLOAD_TOO_LARGE");
}

/// What has come already is taken for read, and the connection goes on.
#[tokio::test]
async fn a_small_refused_request_costs_no_connection() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    let mut raw = Raw::connect(gateway.addr).await;
    for _ in 0..3 {
        raw.post_with(CHAT, "origin: null\r\n", &ask().to_string()).await;
        let refused = raw.response().await.unwrap();
        assert_eq!((refused.status, refused.header("connection")), (403, None));
        raw.post(CHAT, &ask().to_string()).await;
        assert_eq!(raw.response().await.unwrap().status, 200);
    }
}

/// It is refused before it sends the body; and what is not refused is asked for.
#[tokio::test]
async fn a_client_that_waits_for_leave_is_told_at_once() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = small(&provider, "").await;
    let expect = |length| {
        head(&format!("host: localhost\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n"))
    };
    let mut raw = Raw::connect(gateway.addr).await;
    raw.write(expect(LARGE)).await;
    let refused = raw.response().await.unwrap();
    assert_eq!((refused.status, refused.header("connection")), (413, Some("close")));
    assert_eq!(raw.rest().await.unwrap(), b"", "it is over");

    let body = ask().to_string();
    let mut raw = Raw::connect(gateway.addr).await;
    raw.write(expect(body.len())).await;
    assert_eq!(raw.response().await.unwrap().status, 100);
    raw.write(&body).await;
    assert_eq!(raw.response().await.unwrap().status, 200);
}

/// Reading on is bounded, and the slot is freed for a waiting client.
#[tokio::test]
async fn a_client_that_never_ends_is_cut() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = small(&provider, "limits: {connections: 1}").await;
    let mut raw = Raw::connect(gateway.addr).await;
    raw.write(head(&format!("host: localhost\r\ncontent-length: {}\r\n", u64::MAX / 4))).await;
    assert_eq!(raw.response().await.unwrap().status, 413);
    assert_eq!(raw.rest().await.unwrap(), b"", "nothing follows the answer");
    let piece = vec![b'x'; 1 << 20];
    soon(async { while raw.stream.write_all(&piece).await.is_ok() {} }).await;

    let mut waiting = Raw::connect(gateway.addr).await;
    waiting.post(CHAT, &ask().to_string()).await;
    assert_eq!(waiting.response().await.unwrap().status, 200);
}

/// A library that reads while it sends was never in doubt.
#[tokio::test]
async fn a_client_that_reads_while_it_sends_gets_it_too() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = small(&provider, "").await;
    let mut request = client::post_bytes(CHAT, vec![b'x'; LARGE]);
    request.headers_mut().insert(HOST, HeaderValue::from_static("localhost"));
    let response = client::send(gateway.addr, request).await;
    assert_eq!(response.status(), 413);
    assert_eq!(client::send(gateway.addr, post(CHAT, &ask())).await.status(), 200);
}
