use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use super::{
    RouteBody,
    attempts::{AttemptLoop, Committed},
    call::RouteCall,
};
use crate::{BoxError, Buffered, Rejected, Rejection, Target, classify::Attempts};

const PROVIDER: HeaderName = HeaderName::from_static("x-switchtower-provider");
const MODEL: HeaderName = HeaderName::from_static("x-switchtower-model");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-switchtower-attempts");

pin_project! {
    /// The future of [`Route`](super::Route).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<Buffered>>,
    {
        #[pin]
        state: FutureState<S, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum FutureState<S, B>
    where
        S: Service<Request<Buffered>>,
    {
        Driving {
            // Boxed, once per request: it moves into the body, perhaps with an attempt under way.
            drive: Option<Pin<Box<AttemptLoop<S, B>>>>,
            // Until the head of a stream leaves without an answer; made when there is a wait.
            #[pin]
            hold: Option<Sleep>,
        },
        Rejected { rejection: Option<Rejection> },
    }
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<Buffered>, Response = Response<B>>,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    pub(super) fn drive(service: S, call: RouteCall) -> Self {
        let drive = Some(Box::pin(AttemptLoop::new(service, call)));
        Self { state: FutureState::Driving { drive, hold: None } }
    }

    pub(super) fn reject(rejection: Rejection) -> Self {
        Self { state: FutureState::Rejected { rejection: Some(rejection) } }
    }
}

impl<S: Service<Request<Buffered>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<S, B> Future for ResponseFuture<S, B>
where
    S: Service<Request<Buffered>, Response = Response<B>>,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Output = Result<Response<RouteBody<S, B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (drive, mut hold) = match self.project().state.project() {
            StateProj::Driving { drive, hold } => (drive, hold),
            StateProj::Rejected { rejection } => {
                let rejection = rejection.take().expect("polled after completion");
                return Poll::Ready(Ok(rejection.by("route").into_response()));
            }
        };
        let attempts = drive.as_mut().expect("polled after completion");
        let Poll::Ready(committed) = attempts.as_mut().poll_commit(cx) else {
            if !attempts.call.is_streamed() {
                return Poll::Pending;
            }
            if hold.is_none() {
                hold.set(Some(sleep(attempts.call.settings.max_head_delay)));
            }
            ready!(hold.as_pin_mut().expect("it was just set").poll(cx));
            return Poll::Ready(Ok(early(drive.take().expect("it is here"))));
        };
        let attempts = drive.take().expect("it is here");
        Poll::Ready(committed.map(|committed| {
            let attempt = attempts.call.attempts;
            let target = attempts.call.attempted().cloned();
            let mut response = match committed {
                Committed::Answer(head) => Response::from_parts(head, RouteBody::passing(attempts)),
                Committed::Own(rejection) => own(rejection, attempt),
            };
            if attempt > 1 {
                response.extensions_mut().insert(Attempts(attempt));
            }
            name(response.headers_mut(), target.as_ref(), attempt);
            if let Some(target) = target {
                response.extensions_mut().insert(target);
            }
            response
        }))
    }
}

/// The router's own word. It is a rejection only where nothing was attempted.
fn own<S, B>(rejection: Rejection, attempts: u32) -> Response<RouteBody<S, B>>
where
    S: Service<Request<Buffered>>,
{
    let mut response = rejection.by("route").into_response();
    if attempts > 0 {
        response.extensions_mut().remove::<Rejected>();
    }
    response
}

/// A stream that begins before anybody has answered.
fn early<S, B>(drive: Pin<Box<AttemptLoop<S, B>>>) -> Response<RouteBody<S, B>>
where
    S: Service<Request<Buffered>>,
{
    let every = drive.call.settings.max_head_delay;
    let mut response = Response::new(RouteBody::early(drive, every));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    unbuffered(headers);
    response
}

/// Disables buffering of streams in proxies: nginx buffers a stream without `X-Accel-Buffering:
/// no`.
pub(super) fn unbuffered(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
}

/// Adds headers with the target that answered and the number of attempts.
fn name(headers: &mut HeaderMap, target: Option<&Target>, attempts: u32) {
    let text = |text: &str| HeaderValue::from_bytes(text.as_bytes()).ok();
    let provider = target.and_then(|target| text(&target.provider));
    let model = target.and_then(|target| text(&target.model));
    for (name, value) in [(PROVIDER, provider), (MODEL, model)] {
        // A name with control characters has no place in a header.
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    headers.insert(ATTEMPTS, HeaderValue::from(attempts));
}
