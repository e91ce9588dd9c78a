//! Encoded bodies, of requests and of answers.

use crate::support::{
    encode::{gzip, gzip_pieces, zstd},
    *,
};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use serde_json::json;

const SMALL: &str = "body_limit_mb: 1";

fn encoded(encoding: &'static str, body: Bytes) -> client::Outgoing {
    let mut request = client::post_bytes(CHAT, body);
    request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    request
}

#[tokio::test]
async fn encoded_requests_reach_the_provider_plain() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    let plain = ask().to_string();
    let (start, end) = plain.split_at(10);
    let members = [gzip(start).await, gzip(end).await].concat();
    let frames = [zstd(start).await, zstd(end).await].concat();
    for (encoding, body) in [
        ("gzip", gzip(&plain).await),
        ("GZip", gzip(&plain).await),
        ("x-gzip", gzip(&plain).await),
        ("gzip", members.into()),
        ("zstd", zstd(&plain).await),
        ("zstd", frames.into()),
        ("identity", plain.clone().into()),
    ] {
        let response = send(gateway.addr, encoded(encoding, body)).await;
        assert_eq!(response.status(), 200, "{encoding}");
        let received = provider.received().pop().unwrap();
        assert_eq!(received.body, plain, "{encoding}");
        assert_eq!(received.header("content-encoding"), None);
        assert_eq!(received.header("content-length"), Some(&*plain.len().to_string()));
    }
}

#[tokio::test]
async fn a_large_encoded_request_is_read() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::with(&provider, SMALL).await;
    let plain = json!({"model": "m", "prompt": "x".repeat(1_000_000)}).to_string();
    for (encoding, body) in [("gzip", gzip(&plain).await), ("zstd", zstd(&plain).await)] {
        assert_eq!(send(gateway.addr, encoded(encoding, body)).await.status(), 200);
        assert!(provider.received().pop().unwrap().body == plain, "{encoding}");
    }
}

#[tokio::test]
async fn what_cannot_be_decoded_is_refused() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    let plain = ask().to_string();
    let good = gzip(&plain).await;
    let mut flipped = good.to_vec();
    flipped[good.len() - 5] ^= 1;
    let brotli = Bytes::from_static(b"\x0b\x02\x80hello\x03");
    for (encoding, body, status, code) in [
        ("br", brotli, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("gzip, gzip", gzip(&good).await, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("deflate", plain.clone().into(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("gzip", plain.into(), 400, "INVALID_REQUEST"),
        ("gzip", good.slice(..good.len() - 9), 400, "INVALID_REQUEST"),
        ("gzip", flipped.into(), 400, "INVALID_REQUEST"),
        ("gzip", Bytes::new(), 400, "INVALID_REQUEST"),
        ("zstd", good, 400, "INVALID_REQUEST"),
    ] {
        let response = send(gateway.addr, encoded(encoding, body)).await;
        assert_eq!(response.status(), status, "{encoding}");
        assert_eq!(client::json(response).await["error"]["code"], code, "{encoding}");
    }
    assert!(provider.received().is_empty());
}

/// 64 MB of nothing in a few kilobytes.
#[tokio::test]
async fn bombs_do_not_go_off() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::with(&provider, SMALL).await;
    let megabyte = vec![b' '; 1 << 20];
    let bombs = [
        ("gzip", gzip(vec![b' '; 4 << 20]).await),
        ("gzip", gzip(&megabyte).await.repeat(64).into()),
        ("zstd", zstd(&megabyte).await.repeat(64).into()),
    ];
    for (encoding, bomb) in bombs {
        assert!(bomb.len() < 100_000);
        let response = send(gateway.addr, encoded(encoding, bomb)).await;
        assert_eq!(response.status(), 413, "{encoding}");
        let error = client::json(response).await;
        assert_eq!(error["error"]["code"], "PAYLOAD_TOO_LARGE", "{encoding}");
    }
    assert!(provider.received().is_empty());
}

#[tokio::test]
async fn an_encoded_answer_comes_plain_although_identity_was_asked() {
    let answer = json!({"choices": [{"message": {"content": "é"}, "finish_reason": "stop"}]});
    let plain = answer.to_string();
    let brotli = b"\x0b\x02\x80hello\x03";
    for (encoding, body, expected, status) in [
        ("gzip", gzip(&plain).await, &*plain, 200),
        ("zstd", zstd(&plain).await, &plain, 200),
        ("br", Bytes::from_static(brotli), "hello", 200),
        ("gzip", gzip(r#"{"error":{"code":"no"}}"#).await, r#"{"error":{"code":"no"}}"#, 422),
    ] {
        let reply = Reply::new(status).content_type("application/json").bytes(body);
        let provider = always(reply.header("content-encoding", encoding).sized()).await;
        let gateway = Gateway::before(&provider).await;
        let mut request = post(EMBEDDINGS, &ask());
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, br"));
        let response = send(gateway.addr, request).await;
        assert_eq!(response.status(), status, "{encoding}");
        assert!(!response.headers().contains_key("content-encoding"), "{encoding}");
        let length = response.headers().get("content-length").cloned();
        let body = client::body(response).await;
        assert_eq!(body, expected, "{encoding}");
        assert!(length.is_none_or(|length| length == body.len().to_string()), "{encoding}");
        assert_eq!(provider.received()[0].header("accept-encoding"), Some("identity"));
    }
}

/// A decoder that waits for more would hold tokens back.
#[tokio::test]
async fn an_encoded_stream_comes_plain_and_piece_by_piece() {
    let event = |text: &str| {
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": text}}]}))
    };
    let finish = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let plain = [&*event("a"), &event("b"), &event("c"), finish, "data: [DONE]\n\n"];
    let gate = Gate::new();
    let pieces = gzip_pieces(&plain).await.into_iter();
    let reply = Reply::events().header("content-encoding", "gzip");
    let provider = always(pieces.fold(reply, |reply, piece| reply.bytes(piece).gate(&gate))).await;
    let gateway = Gateway::before(&provider).await;
    for version in VERSIONS {
        let response = send_as(version, gateway.addr, post(CHAT, &ask_stream())).await;
        assert!(!response.headers().contains_key("content-encoding"));
        let mut events = Events::new(response);
        for text in ["a", "b", "c"] {
            assert_eq!(sse::text(&[events.next().await.json()]), text, "{version:?}");
            gate.open_one();
        }
        events.next().await;
        gate.open_one();
        assert!(events.next().await.is_done());
        gate.open_one();
        gate.open_one();
        assert!(events.rest().await.is_empty());
    }
}

/// Neither the half of an answer nor nonsense passes for a whole one.
#[tokio::test]
async fn a_broken_encoded_answer_is_seen_as_broken() {
    let whole = gzip(json!({"data": "x".repeat(1000)}).to_string()).await;
    for body in [whole.slice(..whole.len() / 2), Bytes::from_static(b"no gzip at all")] {
        let reply = Reply::new(200).content_type("application/json").bytes(body);
        let provider = always(reply.header("content-encoding", "gzip").sized()).await;
        let gateway = Gateway::before(&provider).await;
        let mut raw = Raw::connect(gateway.addr).await;
        raw.post(EMBEDDINGS, &ask().to_string()).await;
        let answer = raw.response().await;
        assert!(
            answer.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::UnexpectedEof),
            "{answer:?}"
        );
    }
}
