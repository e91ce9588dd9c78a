use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use switchtower_layers::{Rejection, body::ResponseBody};
use tower::{Layer, Service};

use super::check::{Rules, check};
use crate::config::Config;

/// Refuses what must not come in.
#[derive(Clone, Copy, Debug)]
pub struct GuardLayer(Rules);

impl GuardLayer {
    /// A layer with this configuration's limits. A gateway with client keys answers to any `Host`.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self(Rules { max_head: config.limits.header_kb << 10, is_local: !config.has_keys() })
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard { inner, rules: self.0 }
    }
}

/// Service of [`GuardLayer`].
#[derive(Clone, Copy, Debug)]
pub struct Guard<S> {
    inner: S,
    rules: Rules,
}

impl<S, B, R> Service<Request<B>> for Guard<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let state = match check(&request, self.rules) {
            Ok(()) => FutureState::Inner { future: self.inner.call(request) },
            Err(rejection) => FutureState::Rejected { rejection: Some(rejection) },
        };
        ResponseFuture { state }
    }
}

pin_project! {
    /// The future of [`Guard`].
    pub struct ResponseFuture<F> {
        #[pin]
        state: FutureState<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum FutureState<F> {
        Inner { #[pin] future: F },
        Rejected { rejection: Option<Rejection> },
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
        Poll::Ready(match self.project().state.project() {
            StateProj::Inner { future } => {
                ready!(future.poll(cx)).map(|response| response.map(ResponseBody::inner))
            }
            StateProj::Rejected { rejection } => {
                let rejection = rejection.take().expect("polled after completion");
                Ok(rejection.by("guard").into_response())
            }
        })
    }
}
