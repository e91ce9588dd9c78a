//! Clients that take their time.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::sleep;

use crate::auth::house::*;
use crate::support::{CHAT, Raw, Reply, always, ask, envelope, get, send, soon};

const HEAD: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/json\r\n";

/// Well within the limit of these tests, however busy the machine is.
const WRITE_INTERVAL: Duration = Duration::from_millis(20);

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, "limits: {body_timeout_ms: 300}").await;
    let chunked = "transfer-encoding: chunked\r\n\r\n5\r\n{\"mod\r\n".to_owned();
    for framing in
        [chunked, "content-length: 100\r\n\r\n{".into(), "content-length: 9\r\n\r\n".into()]
    {
        let mut raw = Raw::connect(gateway.addr).await;
        raw.write(format!("{HEAD}{framing}")).await;
        let response = soon(raw.response()).await.expect("an answer");
        assert_eq!(response.status, 408, "{framing}");
        assert_eq!(envelope(&response.body).code, "INVALID_REQUEST");
        assert_eq!(response.header("connection"), Some("close"));
        assert_eq!(soon(raw.rest()).await.expect("a clean end"), b"");
    }
    assert!(provider.received().is_empty());
}

#[tokio::test]
async fn a_body_may_take_long_as_long_as_it_comes() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, "limits: {body_timeout_ms: 300}").await;
    let body = ask().to_string();
    let mut raw = Raw::connect(gateway.addr).await;
    raw.write(format!("{HEAD}content-length: {}\r\n\r\n", body.len())).await;
    // All in all longer than the limit.
    for piece in body.as_bytes().chunks(body.len().div_ceil(20)) {
        sleep(WRITE_INTERVAL).await;
        raw.write(piece).await;
    }
    assert_eq!(soon(raw.response()).await.expect("an answer").status, 200);
}

/// The stream ends, and the connection stays for the others.
#[tokio::test]
async fn over_http2_only_the_stream_is_given_up() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, "limits: {body_timeout_ms: 300}").await;
    let stream = tokio::net::TcpStream::connect(gateway.addr).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    tokio::spawn(connection);
    let request = |body: http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible>| {
        http::Request::post(format!("http://{}{CHAT}", gateway.addr))
            .header("content-type", "application/json")
            .body(body)
            .unwrap()
    };
    let silent = http_body_util::StreamBody::new(futures_util::stream::pending());
    let response = soon(sender.send_request(request(silent.boxed()))).await.expect("an answer");
    assert_eq!(response.status(), 408);
    let whole = http_body_util::Full::new(Bytes::from(ask().to_string()));
    let response = soon(sender.send_request(request(whole.boxed()))).await.expect("an answer");
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn connections_that_say_nothing_or_half_a_head_are_closed() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, "limits: {header_timeout_ms: 200}").await;
    for said in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HT", "GET /health HTTP/1.1\r\nhost: local"] {
        let mut raw = Raw::connect(gateway.addr).await;
        raw.write(said).await;
        let rest = soon(raw.rest()).await.unwrap_or_default();
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{said:?}");
    }
    assert_eq!(send(gateway.addr, get("/health")).await.status(), 200);
}
