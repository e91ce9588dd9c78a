//! Statistics of attempts, per provider and model, since the start of the gateway.
//!
//! [`StatsLayer`] stands inside the circuit breaker and outside the deadlines: it sees every
//! attempt that is made, none that a gate refused, and how each one ended. [`Stats`] holds the
//! counts and writes the report of `GET /model-gateway/stats`.

mod attempt;
mod future;
mod histogram;
mod layer;
mod report;
mod series;

pub use attempt::StatsBody;
pub use future::ResponseFuture;
pub use layer::{CountAttempts, StatsLayer};
pub use report::{ModelReport, Outcomes, Percentiles, Report, Tokens};

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use parking_lot::RwLock;
use switchtower_layers::{
    Target,
    exchange::{Cause, Failure},
};

use self::series::Series;
use super::metrics::Metrics;

/// Maximum number of models with statistics of their own: clients choose the names, and each series
/// takes some kilobytes.
const MAX_SERIES: usize = 256;

/// The counts: a handle, every clone of which is the same.
#[derive(Clone, Debug)]
pub struct Stats(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    since: SystemTime,
    series: RwLock<HashMap<Target, Arc<Series>>>,
    metrics: Metrics,
}

impl Stats {
    /// Counts nothing yet; what is counted goes to `metrics`, too.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        Self(Arc::new(Shared { since: SystemTime::now(), series: RwLock::default(), metrics }))
    }

    /// Where a request did not find an answer, once it has ended.
    pub(super) fn failed(&self, failure: &Failure) {
        if let Cause::Rejected { layer, code } = failure.cause {
            self.0.metrics.rejected(layer, code);
        }
        if failure.is_failover() {
            let series = self.of(&failure.target);
            series.counts.lock().failover();
            series.metrics.failed_over(failure.cause);
        }
    }

    /// The target's series. Beyond the first 256, all models of a provider that the configuration
    /// does not have share one: a client that invents many names hides no other.
    fn of(&self, target: &Target) -> Arc<Series> {
        if let Some(series) = self.0.series.read().get(target) {
            return series.clone();
        }
        let mut all = self.0.series.write();
        let is_known = self.0.metrics.knows(&target.model);
        let target = match is_known || all.len() < MAX_SERIES {
            true => target.clone(),
            false => Target { model: "(others)".into(), ..target.clone() },
        };
        let make = || Arc::new(Series::new(self.0.metrics.target(&target)));
        all.entry(target.clone()).or_insert_with(make).clone()
    }

    /// The counts so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let series = self.0.series.read();
        let all = series.iter().map(|(target, series)| (target, series.counts.lock().report()));
        Report::new(self.0.since, all)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::Empty;
    use switchtower_layers::{Dialect, Exchange};
    use tower::{Layer, Service, service_fn};

    use super::*;
    use crate::config::Config;

    fn target(provider: &str, model: &str) -> Target {
        Target { provider: provider.into(), model: model.into(), dialect: Dialect::Chat }
    }

    #[tokio::test]
    async fn beyond_the_most_series_a_provider_has_one_for_the_rest() {
        let stats = Stats::new(Metrics::new(&Config::default()));
        for n in 0..MAX_SERIES {
            stats.of(&target("p", &n.to_string()));
        }
        let exchange = Exchange::default();
        let observed = exchange.clone();
        let inner = service_fn(move |request: Request<()>| {
            let target = request.extensions().get().cloned();
            observed.begin().update(|record| record.target = target);
            async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
        });
        let mut service = StatsLayer::new(stats.clone()).layer(inner);
        for target in [target("p", "a"), target("p", "b"), target("q", "a")] {
            let request = Request::builder().extension(exchange.clone()).extension(target);
            service.call(request.body(()).unwrap()).await.unwrap();
        }
        let report = stats.report();
        assert_eq!(report.providers["p"].len(), MAX_SERIES + 1);
        let [p, q] = ["p", "q"].map(|provider| &report.providers[provider]["(others)"]);
        assert_eq!((p.requests, q.requests), (2, 1));
    }

    #[test]
    fn a_configured_model_has_its_series_whatever_else_was_asked_for() {
        let config = Config {
            models: crate::config::Models { default_model: Some("m".into()), ..Default::default() },
            ..Config::default()
        };
        let stats = Stats::new(Metrics::new(&config));
        for n in 0..=MAX_SERIES {
            stats.of(&target("p", &n.to_string()));
        }
        stats.of(&target("p", "m"));
        let models = &stats.report().providers["p"];
        assert_eq!(models.len(), MAX_SERIES + 2);
        assert!(models.contains_key("m") && models.contains_key("(others)"));
    }

    #[test]
    fn an_attempt_at_a_known_target_allocates_nothing() {
        use futures_util::FutureExt;
        use http_body_util::{BodyExt, Full};

        let exchange = Exchange::default();
        let observed = exchange.clone();
        let inner = service_fn(move |_: Request<()>| {
            observed.begin().update(|record| record.content = true);
            let response = Response::builder().header("content-type", "text/event-stream");
            std::future::ready(Ok::<_, Infallible>(
                response.body(Full::<Bytes>::from("a")).unwrap(),
            ))
        });
        let mut bare = inner.clone();
        let mut counted =
            StatsLayer::new(Stats::new(Metrics::new(&Config::default()))).layer(inner);
        let request = || {
            let request = Request::post("/v1/chat/completions").extension(exchange.clone());
            request.extension(target("p", "m")).body(()).unwrap()
        };
        let mut bare = |request| drop(bare.call(request).now_or_never().unwrap().unwrap());
        let mut counted = |request| {
            let mut body = counted.call(request).now_or_never().unwrap().unwrap().into_body();
            body.frame().now_or_never().unwrap().unwrap().unwrap();
        };
        // The first one makes the series.
        counted(request());
        let [one, other] = [request(), request()];
        let expected = allocation_counter::measure(|| bare(one));
        let counted = allocation_counter::measure(|| counted(other));
        assert_eq!(counted.count_total, expected.count_total);
    }
}
