use std::{
    fmt,
    task::{Context, Poll},
};

use http::{Request, Response};
use switchtower_layers::{Exchange, Target};
use tower::{Layer, Service};

use super::{ResponseFuture, Stats, attempt::Attempt};
use crate::telemetry::metrics::Operation;

/// Applies [`CountAttempts`].
#[derive(Clone, Debug)]
pub struct StatsLayer(Stats);

impl StatsLayer {
    /// Counts into `stats`.
    #[must_use]
    pub fn new(stats: Stats) -> Self {
        Self(stats)
    }
}

impl<S> Layer<S> for StatsLayer {
    type Service = CountAttempts<S>;

    fn layer(&self, inner: S) -> CountAttempts<S> {
        CountAttempts { inner, stats: self.0.clone() }
    }
}

/// Counts attempts by the [`Target`] in their request's extensions; one without passes uncounted.
#[derive(Clone)]
pub struct CountAttempts<S> {
    inner: S,
    stats: Stats,
}

impl<S> fmt::Debug for CountAttempts<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountAttempts").finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for CountAttempts<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: http_body::Body,
{
    type Response = Response<super::StatsBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let attempt = request.extensions().get::<Target>().cloned().map(|target| {
            let exchange = request.extensions_mut().get_or_insert_default::<Exchange>().clone();
            // Until the next attempt begins, the facts are those of the one before.
            let is_retry = exchange.read(|record| record.target.as_ref() == Some(&target));
            let series = self.stats.of(&target);
            series.counts.lock().attempt(is_retry);
            if is_retry {
                series.metrics.retried();
            }
            Attempt::begin(series, exchange, Operation::of_path(request.uri().path()))
        });
        ResponseFuture::new(self.inner.call(request), attempt)
    }
}
