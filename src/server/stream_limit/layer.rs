use std::{
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use http_body::Body;
use switchtower_layers::{
    Code, Rejection,
    body::{ResponseBody, SettleBody},
    budget::KeyExtractor,
};
use tower::{Layer, Service};

use super::{OpenStreams, future::ResponseFuture, table::Stream};
use crate::budget::ByClient;

/// Lets each client have so many answers open.
#[derive(Clone, Debug)]
pub struct StreamLimitLayer {
    streams: OpenStreams,
    most: usize,
}

impl StreamLimitLayer {
    /// A layer with this maximum for each client. `streams` outlive the layer.
    #[must_use]
    pub fn new(streams: OpenStreams, most: usize) -> Self {
        Self { streams, most }
    }
}

impl<S> Layer<S> for StreamLimitLayer {
    type Service = StreamLimit<S>;

    fn layer(&self, inner: S) -> StreamLimit<S> {
        StreamLimit { inner, streams: self.streams.clone(), most: self.most }
    }
}

/// Answers a request itself whose client has too many answers open. See the [module](super).
#[derive(Clone, Debug)]
pub struct StreamLimit<S> {
    inner: S,
    streams: OpenStreams,
    most: usize,
}

impl<S, B, R> Service<Request<B>> for StreamLimit<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    type Response = Response<ResponseBody<SettleBody<R, Stream>>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let client = ByClient.key(&request);
        match self.streams.open(client, self.most) {
            Some(stream) => ResponseFuture::open(self.inner.call(request), stream),
            None => ResponseFuture::reject(too_many(self.most)),
        }
    }
}

/// `Retry-After` of a rejection: the end of a response cannot be predicted.
const RETRY_AFTER: Duration = Duration::from_secs(1);

fn too_many(most: usize) -> Rejection {
    let message = format!("this client has {most} answers open already: let one of them end");
    Rejection::new(Code::RateLimited, message).by("streams").retry_after(RETRY_AFTER)
}
