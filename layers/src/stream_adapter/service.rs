use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{
    AdaptedBody, ResponseFuture,
    convert::{Adapter, Asked},
};
use crate::{BoxError, Dialect, request::Streamed};

/// Gives answers the form that was asked for. See the [module](super).
#[derive(Clone, Copy, Debug)]
pub struct StreamAdapter<S> {
    pub(super) inner: S,
    pub(super) cap: usize,
}

impl<S, B, R> Service<Request<B>> for StreamAdapter<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Response = Response<AdaptedBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let adapter = adapter(&request, self.cap);
        ResponseFuture::new(self.inner.call(request), adapter)
    }
}

/// `None` when it is not known what was asked for.
fn adapter<B>(request: &Request<B>, cap: usize) -> Option<Adapter> {
    let extensions = request.extensions();
    let dialect = extensions.get::<Dialect>().copied();
    let dialect = dialect.or_else(|| Dialect::of_path(request.uri().path()))?;
    let asked = match extensions.get::<Streamed>() {
        Some(Streamed(true)) => Asked::Events,
        Some(Streamed(false)) => Asked::Json,
        None if Streamed::of(request).0 => Asked::Events,
        None => return None,
    };
    Some(Adapter { dialect, asked, cap })
}
