use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use switchtower_layers::body::ResponseBody;
use tower::{Layer, Service};

use super::{
    FailedKeyLimiter, Table,
    authorizer::{Authorizer, Refusal},
};
use crate::config::Config;

/// Applies [`Auth`].
#[derive(Clone, Debug)]
pub struct AuthLayer(Option<Arc<Authorizer>>);

impl AuthLayer {
    /// A layer with the configured keys; without any, all requests pass. `failures` outlive the
    /// layer.
    #[must_use]
    pub fn new(config: &Config, failures: FailedKeyLimiter) -> Self {
        let door = || Arc::new(Authorizer { table: Table::new(&config.auth), failures });
        Self(config.has_keys().then(door))
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth { inner, door: self.0.clone() }
    }
}

/// Admits requests with a valid key. See the [module](super).
#[derive(Clone, Debug)]
pub struct Auth<S> {
    inner: S,
    door: Option<Arc<Authorizer>>,
}

impl<S, B, R> Service<Request<B>> for Auth<S>
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
        let Some(door) = &self.door else {
            return ResponseFuture {
                state: FutureState::Inner { future: self.inner.call(request) },
            };
        };
        let (mut parts, body) = request.into_parts();
        let state = match door.check(&mut parts) {
            Ok(()) => {
                FutureState::Inner { future: self.inner.call(Request::from_parts(parts, body)) }
            }
            Err(refusal) => FutureState::Refused { refusal: Some(refusal) },
        };
        ResponseFuture { state }
    }
}

pin_project! {
    /// The future of [`Auth`].
    pub struct ResponseFuture<F> {
        #[pin]
        state: FutureState<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum FutureState<F> {
        Inner { #[pin] future: F },
        Refused { refusal: Option<Refusal> },
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
            StateProj::Refused { refusal } => {
                let refusal = refusal.take().expect("polled after completion");
                Ok((*refusal).map(ResponseBody::own))
            }
        })
    }
}
