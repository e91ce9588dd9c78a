use std::{
    task::{Context, Poll},
    time::Duration,
};

use http::Request;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use crate::classify::RequestDeadline;

/// Applies [`SetRequestDeadline`].
#[derive(Clone, Copy, Debug)]
pub struct RequestDeadlineLayer {
    limit: Duration,
}

impl RequestDeadlineLayer {
    /// Gives each request this long. Zero sets nothing.
    pub const fn new(limit: Duration) -> Self {
        Self { limit }
    }
}

impl Default for RequestDeadlineLayer {
    /// 30 minutes.
    fn default() -> Self {
        Self::new(Duration::from_secs(30 * 60))
    }
}

impl<S> Layer<S> for RequestDeadlineLayer {
    type Service = SetRequestDeadline<S>;

    fn layer(&self, inner: S) -> SetRequestDeadline<S> {
        SetRequestDeadline { inner, limit: self.limit }
    }
}

/// Puts a [`RequestDeadline`] into each request's extensions, outside of whatever makes several attempts.
/// One that is already there stays if it is the earlier.
#[derive(Clone, Copy, Debug)]
pub struct SetRequestDeadline<S> {
    inner: S,
    limit: Duration,
}

impl<S, B> Service<Request<B>> for SetRequestDeadline<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let extensions = request.extensions_mut();
        let limit = Some(self.limit).filter(|limit| !limit.is_zero());
        let own = limit.and_then(|limit| Instant::now().checked_add(limit)).map(RequestDeadline);
        if let Some(total) = own.into_iter().chain(extensions.get().copied()).min() {
            extensions.insert(total);
        }
        self.inner.call(request)
    }
}
