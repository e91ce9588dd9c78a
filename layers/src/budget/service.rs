use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{
    Estimator, Key, KeyExtractor, Ledger, NoPricing, Pricing, ResponseBody, ResponseFuture,
    SizeEstimator,
    pending_charge::{Bill, PendingCharge},
};

/// Reserves what a request may use, and books what it did. See the [module](super).
#[derive(Clone, Debug)]
pub struct Budget<S, K: Key, X, E = SizeEstimator, P = NoPricing> {
    pub(super) inner: S,
    pub(super) ledger: Ledger<K>,
    pub(super) extractor: X,
    pub(super) estimator: E,
    pub(super) pricing: P,
}

impl<S, B, R, K, X, E, P> Service<Request<B>> for Budget<S, K, X, E, P>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body<Data = Bytes>,
    K: Key,
    X: KeyExtractor<B, Key = K>,
    E: Estimator<B>,
    P: Pricing + Clone,
{
    type Response = Response<ResponseBody<R, K, P>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, K, P>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let key = self.extractor.key(&request);
        if self.ledger.limits(key.as_ref()).is_empty() {
            return ResponseFuture::call(self.inner.call(request), None);
        }
        let estimate = self.estimator.estimate(&request);
        let bill = Bill { pricing: self.pricing.clone(), estimate };
        match self.ledger.reserve(key, bill.reserved(), self.ledger.now()) {
            Ok(reservation) => {
                let ticket = PendingCharge::new(reservation, bill, &mut request);
                ResponseFuture::call(self.inner.call(request), Some(ticket))
            }
            Err(exhausted) => ResponseFuture::reject(exhausted.rejection()),
        }
    }
}
