use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use switchtower_layers::{
    body::{BodyEnd, Settle},
    sse::is_event_stream,
};

use super::{StatsBody, attempt::Attempt};

pin_project! {
    /// The future of [`CountAttempts`](super::CountAttempts).
    pub struct ResponseFuture<F> {
        // `None` only while it is dropped.
        #[pin]
        future: Option<F>,
        attempt: Option<Attempt>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // The future was dropped before the head; the inner service records that first.
            this.future.set(None);
            this.attempt.take().into_iter().for_each(|attempt| attempt.settle(BodyEnd::Dropped));
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(future: F, attempt: Option<Attempt>) -> Self {
        Self { future: Some(future), attempt }
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
    type Output = Result<Response<StatsBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let future = this.future.as_pin_mut().expect("not dropped yet");
        let response = ready!(future.poll(cx))?;
        let mut attempt = this.attempt.take();
        if is_event_stream(response.headers()) {
            attempt.iter_mut().for_each(Attempt::streams);
        }
        Poll::Ready(Ok(response.map(|body| StatsBody::new(body, attempt))))
    }
}
