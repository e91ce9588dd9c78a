use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::{Quotas, ResponseFuture};
use crate::{Target, body::ResponseBody};

/// Answers a request itself whose target has nothing left. See the [module](super).
#[derive(Clone, Debug)]
pub struct QuotaGate<S> {
    pub(super) inner: S,
    pub(super) quotas: Quotas,
}

impl<S, B, R> Service<Request<B>> for QuotaGate<S>
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
        let Some(target) = request.extensions().get::<Target>().cloned() else {
            return ResponseFuture::pass(self.inner.call(request), None);
        };
        match self.quotas.admit(&target) {
            Ok(()) => {
                let told = Some((self.quotas.clone(), target));
                ResponseFuture::pass(self.inner.call(request), told)
            }
            Err(rejection) => ResponseFuture::reject(rejection),
        }
    }
}
