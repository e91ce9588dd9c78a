use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::{ResponseBody, call_guard::CallGuard};
use crate::Rejection;

pin_project! {
    /// The future of [`CircuitBreaker`](super::CircuitBreaker).
    pub struct ResponseFuture<F> {
        #[pin]
        state: FutureState<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum FutureState<F> {
        Calling { #[pin] future: F, watch: Option<CallGuard> },
        Rejected { rejection: Option<Rejection> },
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn call(future: F, watch: CallGuard) -> Self {
        Self { state: FutureState::Calling { future, watch: Some(watch) } }
    }

    pub(super) fn reject(rejection: Rejection) -> Self {
        Self { state: FutureState::Rejected { rejection: Some(rejection) } }
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
    R: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (future, watch) = match self.project().state.project() {
            StateProj::Calling { future, watch } => (future, watch),
            StateProj::Rejected { rejection } => {
                let rejection = rejection.take().expect("polled after completion");
                return Poll::Ready(Ok(rejection.by("circuit_breaker").into_response()));
            }
        };
        let result = ready!(future.poll(cx));
        let watch = watch.take().expect("polled after completion");
        Poll::Ready(match result {
            Ok(mut response) => {
                let watch = watch.head(&mut response);
                Ok(response.map(|body| ResponseBody::watched(body, watch)))
            }
            Err(error) => {
                watch.failed();
                Err(error)
            }
        })
    }
}
