use std::{convert::Infallible, io, time::Duration};

use async_compression::tokio::write::{GzipEncoder, ZstdEncoder};
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody, channel::Channel};
use static_assertions::assert_impl_all;
use tokio::io::AsyncWriteExt;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use tower_service::Service;
use tower_test::mock;

use super::*;
use crate::{Buffered, Code, Rejected, contract};

const LIMIT: usize = 1000;

assert_impl_all!(BufferLayer: Send, Sync, Clone);
assert_impl_all!(Buffer<()>: Send, Sync, Clone);

/// Sends a request through the layer; what the inner service saw comes back.
async fn send<B>(request: Request<B>) -> Result<Request<Bytes>, (u16, Code)>
where
    B: Body<Data = Bytes, Error: Into<crate::BoxError>>,
{
    let (seen, mut inner) = tokio::sync::mpsc::unbounded_channel();
    let echo = service_fn(move |request: Request<Buffered>| {
        seen.send(request.map(|body| body.to_bytes())).unwrap();
        async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::new()))) }
    });
    let response = BufferLayer::new(LIMIT).layer(echo).oneshot(request).await.unwrap();
    inner.try_recv().map_err(|_| {
        (response.status().as_u16(), response.extensions().get::<Rejected>().unwrap().code)
    })
}

fn frames(sizes: &[usize]) -> impl Body<Data = Bytes, Error = io::Error> {
    let frames = sizes.iter().map(|&n| Ok(Frame::data(Bytes::from(vec![b'x'; n]))));
    StreamBody::new(stream::iter(frames.collect::<Vec<_>>()))
}

#[tokio::test]
async fn one_frame_is_passed_on_without_a_copy() {
    let bytes = Bytes::from(vec![b'x'; LIMIT]);
    let seen = send(Request::new(Full::new(bytes.clone()))).await.unwrap();
    assert_eq!(seen.body().as_ptr(), bytes.as_ptr());
    assert_eq!(seen.headers()["content-length"], "1000");
}

#[tokio::test]
async fn frames_are_joined_and_the_head_describes_the_result() {
    let request = Request::builder()
        .header("transfer-encoding", "chunked")
        .header("expect", "100-continue")
        .body(frames(&[400, 0, 500, 100]));
    let seen = send(request.unwrap()).await.unwrap();
    assert_eq!(seen.body().len(), LIMIT);
    assert_eq!(seen.headers().len(), 1);
    assert_eq!(seen.headers()["content-length"], "1000");
}

#[tokio::test]
async fn over_the_limit_is_413_announced_or_not() {
    let too_large = Err((413, Code::PayloadTooLarge));
    assert_eq!(send(Request::new(frames(&[999, 2]))).await.map(drop), too_large);
    let full = Full::new(Bytes::from(vec![0; LIMIT + 1]));
    assert_eq!(send(Request::new(full)).await.map(drop), too_large);
}

#[tokio::test]
async fn an_announced_length_is_refused_before_the_body_is_polled() {
    let body = StreamBody::new(stream::poll_fn(|_| -> std::task::Poll<Option<io::Result<_>>> {
        panic!("polled: {:?}", Frame::data(Bytes::new()))
    }));
    let body = body.map_frame(|frame: Frame<Bytes>| frame);
    let request = Request::builder().header("content-length", "1001").body(body).unwrap();
    assert_eq!(send(request).await.map(drop), Err((413, Code::PayloadTooLarge)));
}

#[tokio::test]
async fn a_broken_body_is_400() {
    let broken = stream::iter([Ok(Frame::data(Bytes::from("a"))), Err(io::Error::other("cut"))]);
    let result = send(Request::new(StreamBody::new(broken))).await.map(drop);
    assert_eq!(result, Err((400, Code::InvalidRequest)));
}

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

async fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZstdEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

fn encoded(encoding: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
    Request::builder().header("content-encoding", encoding).body(Full::from(body)).unwrap()
}

#[tokio::test]
async fn gzip_and_zstd_are_decoded() {
    let text = b"{\"model\":\"a\"}".repeat(50);
    for request in [
        encoded("gzip", gzip(&text).await),
        encoded("GZIP", [gzip(&text[..99]).await, gzip(&text[99..]).await].concat()),
        encoded("zstd", zstd(&text).await),
        encoded("identity", text.clone()),
    ] {
        let seen = send(request).await.unwrap();
        assert_eq!(seen.body(), &text);
        assert_eq!(seen.headers().get("content-encoding"), None);
        assert_eq!(seen.headers()["content-length"], text.len().to_string());
    }
}

#[tokio::test]
async fn the_limit_counts_decoded_bytes() {
    for request in [
        encoded("gzip", gzip(&vec![0; 10 << 20]).await[..900].to_vec()),
        encoded("gzip", gzip(&[0; LIMIT + 1]).await),
        encoded("zstd", zstd(&[0; LIMIT + 1]).await),
    ] {
        assert_eq!(send(request).await.map(drop), Err((413, Code::PayloadTooLarge)));
    }
    assert!(send(encoded("gzip", gzip(&[0; LIMIT]).await)).await.is_ok());
}

#[tokio::test]
async fn what_does_not_decode_is_400_and_what_is_not_known_is_415() {
    let cut = gzip(b"some text").await[..15].to_vec();
    for request in [encoded("gzip", cut), encoded("zstd", b"not zstd".to_vec())] {
        assert_eq!(send(request).await.map(drop), Err((400, Code::InvalidRequest)));
    }
    for unknown in ["br", "gzip, zstd", "deflate"] {
        let result = send(encoded(unknown, vec![])).await.map(drop);
        assert_eq!(result, Err((415, Code::UnsupportedMediaType)), "{unknown}");
    }
}

#[tokio::test]
async fn it_keeps_the_contract() {
    contract::holds(BufferLayer::new(LIMIT), || Request::new(Buffered::from("{}"))).await;
}

#[tokio::test(start_paused = true)]
async fn dropped_before_the_body_is_there_calls_nobody() {
    let (inner, mut handle) = mock::pair::<Request<Buffered>, Response<Full<Bytes>>>();
    let mut buffer = BufferLayer::new(LIMIT).layer(inner);
    let (_sender, body) = Channel::<Bytes, Infallible>::new(1);
    handle.allow(1);
    let ready = ServiceExt::<Request<Channel<Bytes, Infallible>>>::ready(&mut buffer).await;
    let call = ready.unwrap().call(Request::new(body));
    assert!(tokio::time::timeout(Duration::from_secs(1), call).await.is_err());
    drop(buffer);
    assert!(handle.next_request().await.is_none());
}
