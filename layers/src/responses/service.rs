use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{ResponseFuture, ResponsesBody, layer::Settings};
use crate::{BoxError, Dialect};

/// Answers Responses requests from a Chat Completions service. See the [module](super).
#[derive(Clone)]
pub struct Responses<S> {
    pub(super) inner: S,
    pub(super) settings: Arc<Settings>,
}

impl<S> fmt::Debug for Responses<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responses").finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for Responses<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    B: Body<Error: Into<BoxError>> + From<Bytes>,
    R: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Response = Response<ResponsesBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let is_ours = request.method() == Method::POST
            && Dialect::of_path(request.uri().path()) == Some(Dialect::Responses);
        if !is_ours {
            return ResponseFuture::passing(self.inner.call(request));
        }
        // The body is read first: the instance that was readied waits for it.
        let clone = self.inner.clone();
        let readied = std::mem::replace(&mut self.inner, clone);
        ResponseFuture::reading(readied, request, self.settings.clone())
    }
}
