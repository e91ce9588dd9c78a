use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{ResponseBody, ResponseFuture, call::RetryCall, settings::Settings};
use crate::{BoxError, per_target::PerTarget};

/// Asks the inner service again when it failed for a moment. See the [module](super).
#[derive(Clone, Debug)]
pub struct Retry<S> {
    pub(super) inner: S,
    pub(super) policy: PerTarget<Arc<Settings>>,
}

impl<S, B, R> Service<Request<B>> for Retry<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    B: Clone,
    R: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let settings = self.policy.of(request.extensions());
        let call = RetryCall::new(request, settings);
        let clone = self.inner.clone();
        ResponseFuture::new(std::mem::replace(&mut self.inner, clone), call)
    }
}
