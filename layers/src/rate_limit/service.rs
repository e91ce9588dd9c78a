use std::{
    num::NonZeroU32,
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use tower_service::Service;

use super::{
    Cost, Key, KeyExtractor, Limit, Limiter, PerRequest, ResponseFuture, limiter::Decision,
};
use crate::{Code, Rejection, body::ResponseBody, rejection::whole_seconds};

/// Answers a request itself that is over the limit. See the [module](super).
#[derive(Clone, Debug)]
pub struct RateLimit<S, K: Key, X, C = PerRequest> {
    pub(super) inner: S,
    pub(super) limiter: Limiter<K>,
    pub(super) extractor: X,
    pub(super) cost: C,
    pub(super) headers: bool,
}

impl<S, B, R, K, X, C> Service<Request<B>> for RateLimit<S, K, X, C>
where
    S: Service<Request<B>, Response = Response<R>>,
    K: Key,
    X: KeyExtractor<B, Key = K>,
    C: Cost<B>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (extractor, cost) = (&self.extractor, &self.cost);
        let path = request.uri().path();
        let decision =
            self.limiter.decide(path, || extractor.key(&request), || cost.cost(&request));
        let told = |standing| self.headers.then_some(standing);
        match decision {
            None => ResponseFuture::pass(self.inner.call(request), None),
            Some(Decision::Pass(standing)) => {
                let told = told(standing);
                ResponseFuture::pass(self.inner.call(request), told)
            }
            Some(Decision::Wait(limit, standing, wait)) => {
                ResponseFuture::reject(used_up(&limit, wait), told(standing))
            }
            Some(Decision::Never(limit, standing, cost)) => {
                ResponseFuture::reject(too_much(&limit, cost), told(standing))
            }
        }
    }
}

pub(super) fn used_up(limit: &Limit, wait: Duration) -> Rejection {
    let seconds = whole_seconds(wait);
    let message = format!("the limit of {limit} is used up: try again in {seconds} s");
    Rejection::new(Code::RateLimited, message).retry_after(wait)
}

fn too_much(limit: &Limit, cost: NonZeroU32) -> Rejection {
    let (unit, most) = (limit.unit().name(), limit.capacity());
    let message = format!(
        "the request takes {cost} {unit}s, but the limit of {limit} never has more than {most}"
    );
    Rejection::new(Code::InvalidRequest, message)
}
