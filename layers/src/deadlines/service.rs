use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{ResponseBody, ResponseFuture, settings::Settings, timer::Timer};
use crate::{BoxError, Target, per_target::PerTarget};

/// Ends an attempt whose deadline passes. See the [module](super).
#[derive(Clone, Debug)]
pub struct Deadlines<S> {
    pub(super) inner: S,
    pub(super) policy: PerTarget<Settings>,
}

impl<S, B, R> Service<Request<B>> for Deadlines<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let watch = Timer::start(self.policy.of(request.extensions()).normal(), &mut request);
        let target = request.extensions().get::<Target>();
        let provider = target.map(|target| target.provider.clone());
        ResponseFuture::new(self.inner.call(request), watch, provider)
    }
}
