use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;

use super::Quotas;
use crate::{Rejection, Target, body::ResponseBody};

pin_project! {
    /// The future of [`QuotaGate`](super::QuotaGate).
    pub struct ResponseFuture<F> {
        #[pin]
        state: FutureState<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum FutureState<F> {
        // Records the rate limit headers of the answer under these quotas.
        Passed { #[pin] future: F, told: Option<(Quotas, Target)> },
        Rejected { rejection: Option<Rejection> },
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn pass(future: F, told: Option<(Quotas, Target)>) -> Self {
        Self { state: FutureState::Passed { future, told } }
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
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project().state.project() {
            StateProj::Passed { future, told } => {
                let response = ready!(future.poll(cx))?;
                if let Some((quotas, target)) = told {
                    quotas.answered(target, &response);
                }
                response.map(ResponseBody::inner)
            }
            StateProj::Rejected { rejection } => {
                let rejection = rejection.take().expect("polled after completion");
                rejection.by("quota").into_response()
            }
        }))
    }
}
