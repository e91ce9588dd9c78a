use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{
    Owner, ResponseFuture, StateBody, Store, lookup, manage,
    path::ResourcePath,
    persist::{Persist, StoredRequest},
    references::StateRequest,
};
use crate::{Buffered, body::ResponseBody};

/// Remembers responses, and puts what a request refers to into it. See the [module](super).
#[derive(Clone)]
pub struct StoredResponses<S> {
    pub(super) inner: S,
    pub(super) store: Arc<dyn Store>,
    pub(super) store_timeout: Duration,
    pub(super) cap: u64,
}

impl<S: fmt::Debug> fmt::Debug for StoredResponses<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredResponses").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, R> Service<Request<Buffered>> for StoredResponses<S>
where
    S: Service<Request<Buffered>, Response = Response<R>> + Clone,
    R: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<StateBody<R>>>;
    type Error = S::Error;
    type Future = ResponseFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Buffered>) -> Self::Future {
        match ResourcePath::of(request.method(), request.uri().path()) {
            None => ResponseFuture::pass(self.inner.call(request), None),
            Some(ResourcePath::All) => self.create(request),
            Some(ResourcePath::One(id, part)) => {
                ResponseFuture::answer(manage::answer(&self.store, id, part, &request))
            }
        }
    }
}

impl<S, R> StoredResponses<S>
where
    S: Service<Request<Buffered>, Response = Response<R>> + Clone,
{
    fn create(&mut self, request: Request<Buffered>) -> ResponseFuture<S> {
        let body = request.body().to_bytes();
        let ask = match StateRequest::read(&body) {
            Ok(Some(ask)) => ask,
            Ok(None) => return ResponseFuture::pass(self.inner.call(request), None),
            Err(rejection) => return ResponseFuture::reject(rejection),
        };
        if !ask.store && !ask.needs_the_store() {
            return ResponseFuture::pass(self.inner.call(request), None);
        }
        let keep = Persist {
            store: self.store.clone(),
            owner: Owner::of(request.extensions()).0,
            store_timeout: self.store_timeout,
            asked: StoredRequest { body, ask, prior: Vec::new(), found: Vec::new() },
        };
        if !keep.asked.ask.needs_the_store() {
            return ResponseFuture::pass(self.inner.call(request), Some(keep));
        }
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        ResponseFuture::look_up(inner, lookup::expanded(keep, request, self.cap))
    }
}
