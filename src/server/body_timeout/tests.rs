use std::{convert::Infallible, pin::pin, task::Poll, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response, Version};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt, service_fn};

use super::*;

const LIMIT: Duration = Duration::from_secs(30);

/// A body with a pause before each of its pieces, and at the end.
fn paused(pauses: &[u64]) -> impl Body<Data = Bytes, Error = Infallible> + use<> {
    let pauses = pauses.to_vec();
    let frames = stream::iter(pauses).then(|pause| async move {
        sleep(Duration::from_secs(pause)).await;
        Ok(Frame::data(Bytes::from_static(b"a")))
    });
    StreamBody::new(Box::pin(frames))
}

/// What becomes of a body before a service that reads it, and when.
async fn sent(
    limit: Duration,
    version: Version,
    body: impl Body<Data = Bytes, Error = Infallible>,
) -> (Response<Bytes>, u64) {
    let reader = service_fn(async |request: Request<TimeoutBody<_>>| {
        let (status, text) = match request.into_body().collect().await {
            Ok(body) => (200, body.to_bytes()),
            Err(_) => (400, Bytes::from_static(b"broken")),
        };
        let response = Response::builder().status(status).body(Full::new(text)).unwrap();
        Ok::<_, Infallible>(response)
    });
    let mut request = Request::new(body);
    *request.version_mut() = version;
    let started = Instant::now();
    let Ok(response) = BodyTimeoutLayer::new(limit).layer(reader).oneshot(request).await;
    let elapsed = started.elapsed().as_secs();
    let (head, body) = response.into_parts();
    (Response::from_parts(head, body.collect().await.unwrap().to_bytes()), elapsed)
}

#[tokio::test(start_paused = true)]
async fn the_time_is_that_between_two_pieces() {
    let (response, seconds) = sent(LIMIT, Version::HTTP_11, paused(&[29, 29, 29])).await;
    assert_eq!((response.status().as_u16(), &response.body()[..], seconds), (200, &b"aaa"[..], 87));
    for (pauses, expected) in [(&[31][..], 30), (&[29, 29, 31], 88), (&[29, 1000], 59)] {
        let (response, seconds) = sent(LIMIT, Version::HTTP_11, paused(pauses)).await;
        assert_eq!((response.status().as_u16(), seconds), (408, expected), "{pauses:?}");
        assert_eq!(response.headers()["connection"], "close");
        assert!(response.body().starts_with(b"{\"error\":{\"code\":\"INVALID_REQUEST\""));
    }
    let (response, _) = sent(LIMIT, Version::HTTP_2, paused(&[31])).await;
    assert_eq!(response.status(), 408);
    assert!(!response.headers().contains_key("connection"));
}

#[tokio::test(start_paused = true)]
async fn zero_switches_it_off() {
    let (response, seconds) = sent(Duration::ZERO, Version::HTTP_11, paused(&[5000])).await;
    assert_eq!((response.status().as_u16(), seconds), (200, 5000));
}

#[tokio::test]
async fn whole_bodies_keep_their_size() {
    let body = TimeoutBody::new(Full::new(Bytes::from("abc")), None, None);
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(3), false));
    assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_body_is_marked_once_the_server_knows() {
    let answer = |reads, version| async move {
        let reader = service_fn(move |request: Request<TimeoutBody<_>>| async move {
            let mut body = pin!(request.into_body());
            if reads {
                // The one frame is the last, which is known without another poll.
                body.frame().await.unwrap().unwrap();
            }
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        let mut request = Request::new(Full::new(Bytes::from_static(b"abc")));
        *request.version_mut() = version;
        let call = BodyTimeoutLayer::new(Duration::ZERO).layer(reader).oneshot(request);
        let mut call = tokio_test::task::spawn(call);
        let mut polls = 1;
        loop {
            if let Poll::Ready(Ok(response)) = call.poll() {
                return (polls, response.extensions().get::<AnsweredEarly>().is_some());
            }
            assert!(call.is_woken());
            polls += 1;
        }
    };
    assert_eq!(answer(false, Version::HTTP_11).await, (2, true));
    assert_eq!(answer(true, Version::HTTP_11).await, (1, false));
    assert_eq!(answer(false, Version::HTTP_2).await, (1, false));
}
