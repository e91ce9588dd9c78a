//! A target with scripted answers.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use parking_lot::Mutex;
use tokio::time::Instant;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::{
    BoxError, Buffered, Code, Rejection,
    classify::{Deadline, DeadlineError, TransportError, TransportErrorKind},
};

pub(super) type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

pub(super) fn frames(status: u16, frames: Vec<Result<Frame<Bytes>, BoxError>>) -> Answer {
    let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
    Response::builder().status(status).body(body).unwrap()
}

pub(super) fn says(status: u16, text: &str) -> Answer {
    let text = Bytes::copy_from_slice(text.as_bytes());
    frames(status, vec![Ok(Frame::data(text))])
}

pub(super) fn with(status: u16, name: &'static str, value: &str) -> Answer {
    let mut answer = says(status, "{}");
    answer.headers_mut().insert(name, value.parse().unwrap());
    answer
}

pub(super) fn boxed(response: Response<Full<Bytes>>) -> Answer {
    response.map(|body| body.map_err(|never| match never {}).boxed_unsync())
}

pub(super) fn transport() -> Answer {
    let cause = TransportError::new(TransportErrorKind::Connect, "refused");
    boxed(Rejection::new(Code::ProviderError, "refused").into_failure(cause))
}

pub(super) fn late() -> Answer {
    let cause = DeadlineError { which: Deadline::Headers, limit: None };
    boxed(Rejection::new(Code::DeadlineExceeded, "late").into_failure(cause))
}

pub(super) fn rejected() -> Answer {
    let rejection = Rejection::new(Code::NoProvider, "open").retry_after(Duration::from_secs(1));
    boxed(rejection.into_response())
}

/// What a call came to.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) attempts: u32,
    /// How often the target was called.
    pub(super) calls: usize,
    pub(super) after: Duration,
}

/// Calls a target that gives these answers, and then 200.
pub(super) async fn run(
    settings: Settings,
    request: Request<Buffered>,
    answers: impl IntoIterator<Item = Answer>,
) -> Ended {
    let answers = Mutex::new(answers.into_iter().collect::<VecDeque<_>>());
    let (calls, start) = (AtomicUsize::new(0), Instant::now());
    let target = service_fn(|request: Request<Buffered>| {
        assert_eq!(request.body().to_bytes(), "{}");
        calls.fetch_add(1, Ordering::Relaxed);
        let answer = answers.lock().pop_front().unwrap_or_else(|| says(200, "fine"));
        std::future::ready(Ok::<_, Infallible>(answer))
    });
    let response = RetryLayer::new(settings).layer(target).oneshot(request).await.unwrap();
    let (status, after) = (response.status().as_u16(), start.elapsed());
    let attempts = Attempts::of(&response).0;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.into()).unwrap();
    Ended { status, body, attempts, calls: calls.into_inner(), after }
}

pub(super) fn request() -> Request<Buffered> {
    Request::new(Buffered::from("{}"))
}

/// With waits of which only what the target asks for is left.
pub(super) fn at_once() -> Settings {
    Settings { base_delay: Duration::ZERO, ..Settings::default() }
}
