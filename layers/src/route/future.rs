use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, HeaderName, HeaderValue, Response};
use pin_project_lite::pin_project;

use crate::{Rejection, Target, body::ResponseBody};

const PROVIDER: HeaderName = HeaderName::from_static("x-switchtower-provider");
const MODEL: HeaderName = HeaderName::from_static("x-switchtower-model");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-switchtower-attempts");

pin_project! {
    /// The future of [`Route`](super::Route).
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Calling { #[pin] future: F, target: Option<Target> },
        Rejected { rejection: Option<Rejection> },
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn call(future: F, target: Target) -> Self {
        Self { state: State::Calling { future, target: Some(target) } }
    }

    pub(super) fn reject(rejection: Rejection) -> Self {
        Self { state: State::Rejected { rejection: Some(rejection) } }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project().state.project() {
            StateProj::Calling { future, target } => {
                let mut response = ready!(future.poll(cx))?;
                let target = target.take().expect("polled after completion");
                name(response.headers_mut(), &target);
                response.extensions_mut().insert(target);
                response.map(ResponseBody::inner)
            }
            StateProj::Rejected { rejection } => {
                rejection.take().expect("polled after completion").into_response()
            }
        }))
    }
}

/// Tells the client who answered.
fn name(headers: &mut HeaderMap, target: &Target) {
    let text = |text: &str| HeaderValue::from_bytes(text.as_bytes()).ok();
    for (name, value) in [(PROVIDER, text(&target.provider)), (MODEL, text(&target.model))] {
        // A name with control characters has no place in a header.
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    headers.insert(ATTEMPTS, HeaderValue::from_static("1"));
}
