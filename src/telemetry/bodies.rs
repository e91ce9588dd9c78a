//! Prompts and answers in the log, where the configuration asks for them (`log_bodies`).
//!
//! [`BodiesLayer`] stands right behind the buffer. What a client sent and what it was answered is
//! one line when the answer has ended, the first 16 KiB of each.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use switchtower_layers::Buffered;
use tower::{Layer, Service};
use tracing::Span;

/// Maximum length of a body that is logged, in bytes.
const MAX_LOGGED_LEN: usize = 16 << 10;

/// Applies [`LogBodies`].
#[derive(Clone, Copy, Debug, Default)]
pub struct BodiesLayer {
    is_on: bool,
}

impl BodiesLayer {
    /// Logs bodies, or lets everything pass as it is.
    #[must_use]
    pub fn new(is_on: bool) -> Self {
        Self { is_on }
    }
}

impl<S> Layer<S> for BodiesLayer {
    type Service = LogBodies<S>;

    fn layer(&self, inner: S) -> LogBodies<S> {
        LogBodies { inner, is_on: self.is_on }
    }
}

/// Logs what was asked and what was answered. See the [module](self).
#[derive(Clone, Debug)]
pub struct LogBodies<S> {
    inner: S,
    is_on: bool,
}

impl<S, R> Service<Request<Buffered>> for LogBodies<S>
where
    S: Service<Request<Buffered>, Response = Response<R>>,
    R: Body<Data = Bytes>,
{
    type Response = Response<LoggedBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Buffered>) -> Self::Future {
        let pair = self.is_on.then(|| Pair::of(request.body()));
        ResponseFuture { future: self.inner.call(request), pair }
    }
}

/// The beginnings of both bodies, logged when it is dropped.
struct Pair {
    asked: Bytes,
    answered: BytesMut,
    span: Span,
}

impl Pair {
    fn of(asked: &Buffered) -> Self {
        let asked = asked.to_bytes();
        let asked = asked.slice(..asked.len().min(MAX_LOGGED_LEN));
        Self { asked, answered: BytesMut::new(), span: Span::current() }
    }

    fn answered(&mut self, data: &[u8]) {
        let room = MAX_LOGGED_LEN - self.answered.len();
        self.answered.extend_from_slice(&data[..data.len().min(room)]);
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let [asked, answered] = [&*self.asked, &*self.answered].map(String::from_utf8_lossy);
        tracing::info!(parent: &self.span, ?asked, ?answered, "bodies");
    }
}

pin_project! {
    /// The future of [`LogBodies`].
    pub struct ResponseFuture<F> {
        #[pin]
        future: F,
        pair: Option<Pair>,
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, E, R> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<LoggedBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.future.poll(cx))?;
        let pair = this.pair.take();
        Poll::Ready(Ok(response.map(|body| LoggedBody { body, pair })))
    }
}

pin_project! {
    /// The body of [`LogBodies`]'s responses.
    pub struct LoggedBody<B> {
        #[pin]
        body: B,
        pair: Option<Pair>,
    }
}

impl<B> fmt::Debug for LoggedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedBody").finish_non_exhaustive()
    }
}

impl<B: Body<Data = Bytes>> Body for LoggedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(cx));
        if let (Some(Ok(frame)), Some(pair)) = (&frame, this.pair)
            && let Some(data) = frame.data_ref()
        {
            pair.answered(data);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
