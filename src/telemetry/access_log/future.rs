use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use switchtower_layers::body::{BodyEnd, Settle};
use tracing::Span;

use super::{AccessLogBody, call::LoggedRequest};

pin_project! {
    /// The future of [`AccessLog`](super::Record).
    pub struct ResponseFuture<F> {
        // `None` only while it is dropped.
        #[pin]
        future: Option<F>,
        call: Option<LoggedRequest>,
        span: Span,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // What is further in records its end first.
            this.span.in_scope(|| this.future.set(None));
            this.call.take().into_iter().for_each(|call| call.settle(BodyEnd::Dropped));
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(future: F, call: LoggedRequest, span: Span) -> Self {
        Self { future: Some(future), call: Some(call), span }
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
    R: Body,
{
    type Output = Result<Response<AccessLogBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let future = this.future.as_pin_mut().expect("not dropped yet");
        let response = ready!(this.span.in_scope(|| future.poll(cx)))?;
        let mut call = this.call.take().expect("polled after completion");
        call.head(&response);
        let span = this.span.clone();
        Poll::Ready(Ok(response.map(|body| AccessLogBody::new(body, call, span))))
    }
}
