use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING},
    request::Parts,
};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::decode::{Encoding, decode};
use crate::{
    BoxError, Buffered, Rejection,
    body::{ResponseBody, collect::Collect},
};

/// Only encoded bodies are decoded, which is rare: this box is not on the hot path.
type Decode = Pin<Box<dyn Future<Output = Result<Bytes, Rejection>> + Send>>;

pin_project! {
    /// The future of [`Buffer`](super::Buffer).
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<Buffered>>,
    {
        // The readied service and the head, until the body is there.
        waiting: Option<(S, Parts)>,
        #[pin]
        state: FutureState<S::Future, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum FutureState<F, B> {
        Collecting { #[pin] body: Collect<B>, encoding: Encoding, limit: usize },
        Decoding { decode: Decode },
        Calling { #[pin] future: F },
        Rejected { rejection: Option<Rejection> },
    }
}

impl<S: Service<Request<Buffered>>, B> ResponseFuture<S, B> {
    pub(super) fn collect(
        inner: S,
        parts: Parts,
        body: B,
        encoding: Encoding,
        limit: usize,
    ) -> Self {
        let state = FutureState::Collecting { body: Collect::new(body, limit), encoding, limit };
        Self { waiting: Some((inner, parts)), state }
    }

    pub(super) fn reject(rejection: Rejection) -> Self {
        Self { waiting: None, state: FutureState::Rejected { rejection: Some(rejection) } }
    }
}

impl<S: Service<Request<Buffered>>, B> fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<Buffered>, Response = Response<R>>,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let body = match this.state.as_mut().project() {
                StateProj::Collecting { body, encoding, limit } => match ready!(body.poll(cx)) {
                    Ok(bytes) if *encoding == Encoding::Identity => Ok(bytes),
                    Ok(bytes) => {
                        let decode = Box::pin(decode(*encoding, bytes, *limit));
                        this.state.set(FutureState::Decoding { decode });
                        continue;
                    }
                    Err(unread) => Err(unread.into()),
                },
                StateProj::Decoding { decode } => ready!(decode.as_mut().poll(cx)),
                StateProj::Calling { future } => {
                    let response = ready!(future.poll(cx))?;
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                }
                StateProj::Rejected { rejection } => {
                    let rejection = rejection.take().expect("polled after completion");
                    return Poll::Ready(Ok(rejection.by("buffer").into_response()));
                }
            };
            this.state.set(match (body, this.waiting.take()) {
                (Ok(body), Some((mut inner, parts))) => {
                    FutureState::Calling { future: inner.call(rebuild(parts, body)) }
                }
                (Err(rejection), _) => FutureState::Rejected { rejection: Some(rejection) },
                (Ok(_), None) => unreachable!("the service is kept until the body is there"),
            });
        }
    }
}

/// The head no longer describes how the body came in, but what it is now.
fn rebuild(mut parts: Parts, body: Bytes) -> Request<Buffered> {
    for stale in [CONTENT_ENCODING, TRANSFER_ENCODING, EXPECT] {
        parts.headers.remove(stale);
    }
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Request::from_parts(parts, body.into())
}
