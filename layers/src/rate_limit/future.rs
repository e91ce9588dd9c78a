use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;

use super::headers::QuotaHeaders;
use crate::{Rejection, body::ResponseBody};

pin_project! {
    /// The future of [`RateLimit`](super::RateLimit).
    pub struct ResponseFuture<F> {
        #[pin]
        kind: FutureKind<F>,
        // For the headers, if there are to be any.
        told: Option<QuotaHeaders>,
    }
}

pin_project! {
    #[project = KindProj]
    enum FutureKind<F> {
        Passed { #[pin] future: F },
        Rejected { rejection: Option<Rejection> },
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn pass(future: F, told: Option<QuotaHeaders>) -> Self {
        Self { kind: FutureKind::Passed { future }, told }
    }

    pub(super) fn reject(rejection: Rejection, told: Option<QuotaHeaders>) -> Self {
        Self { kind: FutureKind::Rejected { rejection: Some(rejection) }, told }
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
        let this = self.project();
        let mut response = match this.kind.project() {
            KindProj::Passed { future } => ready!(future.poll(cx))?.map(ResponseBody::inner),
            KindProj::Rejected { rejection } => {
                let rejection = rejection.take().expect("polled after completion");
                rejection.by("rate_limit").into_response()
            }
        };
        if let Some(standing) = this.told {
            standing.write(response.headers_mut());
        }
        Poll::Ready(Ok(response))
    }
}
