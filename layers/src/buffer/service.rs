use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header::CONTENT_LENGTH};
use http_body::Body;
use tower_service::Service;

use super::{ResponseFuture, decode::Encoding};
use crate::{
    BoxError, Buffered, Rejection,
    body::{ResponseBody, collect::too_large},
};

/// Hands the inner service a [`Buffered`] body. See the [module](super).
#[derive(Clone, Debug)]
pub struct Buffer<S> {
    pub(super) inner: S,
    pub(super) limit: usize,
}

impl<S, B, R> Service<Request<B>> for Buffer<S>
where
    S: Service<Request<Buffered>, Response = Response<R>> + Clone,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let (parts, body) = request.into_parts();
        match admit(&parts.headers, &body, self.limit) {
            Ok(encoding) => ResponseFuture::collect(inner, parts, body, encoding, self.limit),
            Err(rejection) => ResponseFuture::reject(rejection),
        }
    }
}

/// What can be refused before the body is polled.
fn admit(headers: &HeaderMap, body: &impl Body, limit: usize) -> Result<Encoding, Rejection> {
    let encoding = Encoding::of(headers)?;
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.unwrap_or(0).max(body.size_hint().lower()) > limit as u64 {
        return Err(too_large(limit));
    }
    Ok(encoding)
}
