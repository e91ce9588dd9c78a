use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use switchtower_layers::{Exchange, budget::ClientKey};
use tower::{Layer, Service};
use tracing::{Span, field};

use super::{AccessLogBody, ResponseFuture, call::LoggedRequest};
use crate::telemetry::{TraceContext, feed::RequestFeed, metrics::Metrics, stats::Stats};

/// Applies [`AccessLog`].
#[derive(Clone, Debug)]
pub struct AccessLogLayer {
    pub(super) metrics: Metrics,
    pub(super) stats: Stats,
    pub(super) live: RequestFeed,
}

impl AccessLogLayer {
    /// Counts requests in `metrics`, and failovers in `stats`; publishes model calls to `live`.
    #[must_use]
    pub fn new(metrics: Metrics, stats: Stats, live: RequestFeed) -> Self {
        Self { metrics, stats, live }
    }
}

impl<S> Layer<S> for AccessLogLayer {
    type Service = AccessLog<S>;

    fn layer(&self, inner: S) -> AccessLog<S> {
        AccessLog { inner, layer: self.clone() }
    }
}

/// Logs and counts requests. See the [module](super).
#[derive(Clone, Debug)]
pub struct AccessLog<S> {
    inner: S,
    layer: AccessLogLayer,
}

impl<S, B, R> Service<Request<B>> for AccessLog<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    type Response = Response<AccessLogBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let trace = TraceContext::take_up(request.headers_mut());
        let span = span(&request, trace);
        let exchange = request.extensions_mut().get_or_insert_default::<Exchange>().clone();
        let call = LoggedRequest::begin(self.layer.clone(), &request, exchange, span.clone());
        let future = span.in_scope(|| self.inner.call(request));
        ResponseFuture::new(future, call, span)
    }
}

fn span<B>(request: &Request<B>, trace: TraceContext) -> Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
    tracing::info_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        id,
        trace = %trace.trace_id(),
        key = field::Empty,
    )
}

/// Adds the client's name to the request's span, once it is authenticated.
pub fn name_client<B>(request: Request<B>) -> Request<B> {
    if let Some(ClientKey(name)) = request.extensions().get() {
        Span::current().record("key", &**name);
    }
    request
}
