use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use super::{ResponseBody, call::RetryCall, peeked_body::PeekedBody};
use crate::{BoxError, Rejected};

/// How much of an error's body is held, in bytes.
const CAP: usize = 64 << 10;

/// Boxed, for errors only, so that a future that never sees one is small.
type Answer<R> = Box<Response<PeekedBody<R>>>;

pin_project! {
    /// The future of [`Retry`](super::Retry).
    pub struct ResponseFuture<S, B, R>
    where
        S: Service<Request<B>>,
    {
        service: S,
        call: RetryCall<B>,
        // What the attempt before was answered with.
        earlier: Option<Answer<R>>,
        #[pin]
        state: FutureState<S::Future, R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum FutureState<F, R> {
        Calling { #[pin] future: F },
        // An error that is to be retried after the wait, unless its body says no.
        Reading { answer: Option<Answer<R>>, wait: Duration },
        Waiting { #[pin] sleep: Sleep },
        Readying,
    }
}

impl<S, B, R> ResponseFuture<S, B, R>
where
    S: Service<Request<B>>,
    B: Clone,
{
    /// `service` must have been polled to readiness.
    pub(super) fn new(mut service: S, mut call: RetryCall<B>) -> Self {
        let future = service.call(call.request());
        Self { service, call, earlier: None, state: FutureState::Calling { future } }
    }
}

impl<S, B, R> fmt::Debug for ResponseFuture<S, B, R>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<S, B, R> Future for ResponseFuture<S, B, R>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: Clone,
    R: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Output = Result<Response<ResponseBody<R>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let next = match this.state.as_mut().project() {
                StateProj::Calling { future } => match ready!(future.poll(cx)) {
                    Ok(mut response) => {
                        let wait = this.call.answered(&response);
                        // Nothing was sent, so the provider's last word is still the error before.
                        let rejected = response.extensions().get::<Rejected>().is_some();
                        if let Some(mut earlier) = this.earlier.take().filter(|_| rejected) {
                            this.call.mark(&mut earlier);
                            return Poll::Ready(Ok(earlier.map(ResponseBody::held)));
                        }
                        let Some(wait) = wait else {
                            this.call.mark(&mut response);
                            return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                        };
                        let answer = Some(Box::new(response.map(PeekedBody::new)));
                        FutureState::Reading { answer, wait }
                    }
                    Err(error) => match this.call.failed() {
                        Some(wait) => FutureState::Waiting { sleep: sleep(wait) },
                        None => return Poll::Ready(Err(error)),
                    },
                },
                StateProj::Reading { answer, wait } => {
                    let held = answer.as_mut().expect("polled after completion");
                    let read = ready!(held.body_mut().poll_read(CAP, cx));
                    let mut answer = answer.take().expect("it is here");
                    let Some(wait) = this.call.read(&answer, read, *wait) else {
                        this.call.mark(&mut answer);
                        return Poll::Ready(Ok(answer.map(ResponseBody::held)));
                    };
                    *this.earlier = Some(answer);
                    FutureState::Waiting { sleep: sleep(wait) }
                }
                StateProj::Waiting { sleep } => {
                    ready!(sleep.poll(cx));
                    FutureState::Readying
                }
                StateProj::Readying => {
                    ready!(this.service.poll_ready(cx))?;
                    FutureState::Calling { future: this.service.call(this.call.request()) }
                }
            };
            this.state.set(next);
        }
    }
}
