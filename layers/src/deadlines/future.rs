use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::{DeadlineError, ResponseBody, timer::Timer};
use crate::{BoxError, Code, Rejection};

pin_project! {
    /// The future of [`Deadlines`](super::Deadlines).
    pub struct ResponseFuture<F> {
        // Emptied when a deadline passes: dropping it cancels the call.
        #[pin]
        future: Option<F>,
        watch: Option<Timer>,
        provider: Option<Arc<str>>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(future: F, watch: Timer, provider: Option<Arc<str>>) -> Self {
        Self { future: Some(future), watch: Some(watch), provider }
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
    R: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let future = this.future.as_mut().as_pin_mut().expect("polled after completion");
        // Before the timer: an answer that is there wins, however late this task was woken.
        if let Poll::Ready(response) = future.poll(cx) {
            let mut watch = this.watch.take().expect("polled after completion");
            let response = response?;
            watch.head(&response);
            return Poll::Ready(Ok(response.map(|body| ResponseBody::watched(body, watch))));
        }
        let watch = this.watch.as_mut().expect("polled after completion");
        let error = ready!(watch.poll_passed(cx));
        this.future.set(None);
        Poll::Ready(Ok(failure(error, this.provider.as_deref())))
    }
}

fn failure<R>(error: DeadlineError, provider: Option<&str>) -> Response<ResponseBody<R>> {
    let message = match provider {
        Some(provider) => format!("{provider}: {error}"),
        None => error.to_string(),
    };
    Rejection::new(Code::DeadlineExceeded, message).into_failure(error)
}
