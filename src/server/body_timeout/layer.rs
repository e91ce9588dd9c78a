use std::{
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use http_body::Body;
use switchtower_layers::body::ResponseBody;
use tower::{Layer, Service};

use super::{TimeoutBody, body::BodyProgress, future::ResponseFuture};

/// Ends requests whose bodies do not come in time.
#[derive(Clone, Copy, Debug)]
pub struct BodyTimeoutLayer(Option<Duration>);

impl BodyTimeoutLayer {
    /// A layer with this limit for the next piece; zero switches it off.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self(Some(limit).filter(|limit| !limit.is_zero()))
    }
}

impl<S> Layer<S> for BodyTimeoutLayer {
    type Service = BodyTimeout<S>;

    fn layer(&self, inner: S) -> BodyTimeout<S> {
        BodyTimeout { inner, limit: self.0 }
    }
}

/// Answers for a service that waits for a body in vain. See the [module](super).
#[derive(Clone, Copy, Debug)]
pub struct BodyTimeout<S> {
    inner: S,
    limit: Option<Duration>,
}

impl<S, B, R> Service<Request<B>> for BodyTimeout<S>
where
    S: Service<Request<TimeoutBody<B>>, Response = Response<R>>,
    B: Body,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let version = request.version();
        let is_empty = request.body().is_end_stream();
        let progress = (!is_empty).then(BodyProgress::default);
        let request = request.map(|body| TimeoutBody::new(body, self.limit, progress.clone()));
        ResponseFuture::new(self.inner.call(request), progress, version)
    }
}
