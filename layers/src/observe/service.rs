use std::{
    fmt,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{ObserveBody, ResponseFuture, layer::ErrorPolicy};
use crate::{BoxError, Dialect, Exchange, Target, request::WithholdUsage};

/// Records what an answer turns out to be. See the [module](super).
#[derive(Clone)]
pub struct Observe<S> {
    pub(super) inner: S,
    pub(super) cap: usize,
    pub(super) errors: ErrorPolicy,
}

impl<S> fmt::Debug for Observe<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observe").field("cap", &self.cap).finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for Observe<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Response = Response<ObserveBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let exchange = request.extensions_mut().get_or_insert_default::<Exchange>().clone();
        let asked_in = request.extensions().get::<Dialect>().copied();
        let dialect = asked_in.or_else(|| Dialect::of_path(request.uri().path()));
        let recorder = exchange.begin();
        if let Some(target) = request.extensions().get::<Target>().cloned() {
            recorder.update(|record| record.target = Some(target));
        }
        let withhold_usage = request.extensions().get::<WithholdUsage>().is_some();
        ResponseFuture {
            future: self.inner.call(request),
            exchange,
            recorder: Some((recorder, self.errors.clone())),
            dialect,
            cap: self.cap,
            withhold_usage,
        }
    }
}
