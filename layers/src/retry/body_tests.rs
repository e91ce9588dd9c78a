//! What an error's body says, and how it is passed on.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use parking_lot::Mutex;
use tokio_test::{assert_pending, task};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::{script::*, *};
use crate::{
    BoxError, Buffered, Exchange,
    classify::{Deadline, DeadlineError},
};

#[tokio::test(start_paused = true)]
async fn an_exhausted_quota_is_not_asked_again() {
    let text = r#"{"error":{"message":"no","type":"insufficient_quota","code":null}}"#;
    let ended = run(at_once(), request(), [says(429, text)]).await;
    assert_eq!((ended.status, ended.calls), (429, 1));
    assert_eq!(ended.body, text);

    let text = r#"{"error":{"code":"rate_limit_exceeded"}}"#;
    assert_eq!(run(at_once(), request(), [says(429, text)]).await.calls, 2);
}

/// A wait in the body counts as one in the head does.
#[tokio::test(start_paused = true)]
async fn the_body_may_name_the_wait() {
    let seconds = Duration::from_secs;
    let retry_info = r#"{"error":{"code":429,"details":[{"retryDelay":"3s"}]}}"#;
    for (answer, calls, after) in [
        (says(429, retry_info), 2, seconds(3)),
        (says(503, r#"{"error":{"message":"Please try again in 2s."}}"#), 2, seconds(2)),
        (says(429, r#"{"error":{"retry_after":11}}"#), 1, seconds(0)),
        (says(429, "Try again in 6m0s."), 1, seconds(0)),
    ] {
        let ended = run(at_once(), request(), [answer]).await;
        assert_eq!((ended.calls, ended.after), (calls, after));
    }
    let mut both = with(429, "retry-after", "2");
    *both.body_mut() = says(429, retry_info).into_body();
    assert_eq!(run(at_once(), request(), [both]).await.after, seconds(3), "the longest");
}

/// What an error's words say that is no use is not retried, whatever its status.
#[tokio::test(start_paused = true)]
async fn words_count_more_than_the_status() {
    for (status, text) in [
        (500, r#"{"error":{"message":"insufficient balance"}}"#),
        (500, r#"{"error":{"message":"the request exceeds the available context size"}}"#),
        (503, r#"{"error":{"message":"no available channel for model m"}}"#),
        (429, r#"{"error":{"type":"exceeded_current_quota_error"}}"#),
    ] {
        assert_eq!(run(at_once(), request(), [says(status, text)]).await.calls, 1, "{text}");
    }
}

/// What the exchange says counts, and the body is not read again.
#[tokio::test(start_paused = true)]
async fn the_observer_is_believed() {
    for (code, calls) in [("insufficient_quota", 1), ("slow_down", 2)] {
        let exchange = Exchange::default();
        let recorder = exchange.begin();
        let mut answer = says(429, "whatever");
        recorder.update(|record| {
            let error = format!(r#"{{"error":{{"code":"{code}"}}}}"#);
            record.error = Some(crate::exchange::UpstreamError::read(error.as_bytes()));
        });
        answer.extensions_mut().insert(exchange);
        assert_eq!(run(at_once(), request(), [answer]).await.calls, calls);
    }
}

fn data(byte: u8, size: usize) -> Result<Frame<Bytes>, BoxError> {
    Ok(Frame::data(vec![byte; size].into()))
}

/// What is passed on of an error when the budget is empty, and how many calls there were.
async fn body_of(answer: Answer) -> (UnsyncBoxBody<Bytes, BoxError>, usize) {
    let (calls, answer) = (AtomicUsize::new(0), Mutex::new(Some(answer)));
    let target = service_fn(|_: Request<Buffered>| {
        calls.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok::<_, Infallible>(answer.lock().take().expect("one attempt")))
    });
    let budget = Some(Budget::new(0.0, 0, Duration::from_secs(10)));
    let layer = RetryLayer::new(Settings { budget, ..at_once() });
    let body = layer.layer(target).oneshot(request()).await.unwrap().into_body();
    (body.boxed_unsync(), calls.into_inner())
}

#[tokio::test(start_paused = true)]
async fn a_held_body_is_passed_on_as_it_was() {
    let (body, _) = body_of(frames(503, vec![data(1, 3), data(2, 0), data(3, 7)])).await;
    assert_eq!(body.size_hint().exact(), Some(10));
    assert!(!body.is_end_stream());
    let whole = body.collect().await.unwrap().to_bytes();
    assert_eq!(whole, [vec![1; 3], vec![3; 7]].concat());

    let (body, _) = body_of(frames(503, vec![])).await;
    assert!(body.is_end_stream());

    let trailers = HeaderMap::from_iter([(CONTENT_TYPE, "a/b".parse().unwrap())]);
    let answer = frames(503, vec![data(1, 3), Ok(Frame::trailers(trailers.clone()))]);
    let whole = body_of(answer).await.0.collect().await.unwrap();
    assert_eq!(whole.trailers(), Some(&trailers));
    assert_eq!(whole.to_bytes(), [1; 3][..]);

    let (mut body, _) = body_of(frames(503, vec![data(1, 3), Err("cut".into())])).await;
    assert!(!body.is_end_stream());
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), [1; 3][..]);
    assert_eq!(body.frame().await.unwrap().unwrap_err().to_string(), "cut");
    assert!(body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_error_over_the_cap_is_passed_on_with_its_rest() {
    let many = || (0..40).map(|n| data(n, 4 << 10)).collect::<Vec<_>>();
    let ended = run(at_once(), request(), [frames(503, many())]).await;
    assert_eq!((ended.status, ended.calls), (503, 1));
    let expected: Vec<u8> = (0..40).flat_map(|n| vec![n; 4 << 10]).collect();
    assert_eq!(ended.body.as_bytes(), expected);

    let fits = frames(503, vec![data(0, 64 << 10)]);
    assert_eq!(run(at_once(), request(), [fits]).await.calls, 2);

    let known = boxed(Response::new(Full::from(vec![7; 70 << 10])));
    let (mut head, body) = known.into_parts();
    head.status = StatusCode::SERVICE_UNAVAILABLE;
    let (body, _) = body_of(Response::from_parts(head, body)).await;
    assert_eq!(body.size_hint().exact(), Some(70 << 10));
}

#[tokio::test(start_paused = true)]
async fn an_error_that_breaks_is_retried_and_one_that_falls_silent_is_not() {
    let cut = frames(503, vec![data(1, 3), Err("cut".into())]);
    assert_eq!(run(at_once(), request(), [cut]).await.calls, 2);

    let idle = DeadlineError { which: Deadline::Idle, limit: None };
    let (mut body, calls) = body_of(frames(503, vec![data(1, 3), Err(idle.into())])).await;
    assert_eq!(calls, 1);
    body.frame().await.unwrap().unwrap();
    assert!(body.frame().await.unwrap().unwrap_err().is::<DeadlineError>());
}

/// Nothing of a success is waited for, whatever its body does.
#[tokio::test(start_paused = true)]
async fn a_success_is_passed_on_at_once() {
    let (body, _) = body_of(frames(200, vec![data(1, 3), Err("cut".into())])).await;
    assert!(body.collect().await.is_err());
    let endless = StreamBody::new(stream::pending::<Result<Frame<Bytes>, BoxError>>());
    let (body, _) = body_of(Response::new(endless.boxed_unsync())).await;
    assert_pending!(task::spawn(body.collect()).poll());
}

#[cfg(feature = "observe")]
#[tokio::test(start_paused = true)]
async fn around_the_observer() {
    use crate::{exchange::Outcome, observe::ObserveLayer};

    let quota = r#"{"error":{"code":"insufficient_quota"}}"#;
    for (first, calls, outcome) in [
        (says(429, quota), 1, Outcome::Neutral),
        (says(503, "{}"), 2, Outcome::Success),
        (with(429, "retry-after", "99"), 1, Outcome::Cancelled),
    ] {
        let answers = Mutex::new(vec![says(200, "fine"), first]);
        let target = service_fn(|_: Request<Buffered>| {
            std::future::ready(Ok::<_, Infallible>(answers.lock().pop().unwrap()))
        });
        let exchange = Exchange::default();
        let mut request = request();
        request.extensions_mut().insert(exchange.clone());
        let layers = (RetryLayer::new(at_once()), ObserveLayer::new());
        let response = layers.layer(target).oneshot(request).await.unwrap();
        assert_eq!((exchange.attempts(), Attempts::of(&response).0), (calls, calls as u32));
        if outcome == Outcome::Cancelled {
            assert_eq!(exchange.record().end, None, "it was not even read");
        } else {
            response.into_body().collect().await.unwrap();
        }
        let outcome = Some(outcome).filter(|&outcome| outcome != Outcome::Cancelled);
        assert!(outcome.is_none() || exchange.record().outcome() == outcome);
    }
}
