//! What became of the attempts, per provider and model, since the gateway was started.
//!
//! [`StatsLayer`] stands inside the circuit breaker and outside the deadlines: it sees every
//! attempt that is made, none that a gate refused, and how each one ended. [`Stats`] holds the
//! counts and writes the report of `GET /model-gateway/stats`.

mod attempt;
mod future;
mod layer;
mod report;
mod series;
mod spread;

pub use attempt::StatsBody;
pub use future::ResponseFuture;
pub use layer::{CountAttempts, StatsLayer};
pub use report::{ModelReport, Outcomes, Percentiles, Report, Tokens};

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use parking_lot::{Mutex, RwLock};
use switchtower_layers::Target;

use self::series::Series;

/// More models than anybody has; clients choose the names, and each takes some kilobytes.
const MOST_SERIES: usize = 256;

/// The counts: a handle, every clone of which is the same.
#[derive(Clone, Debug)]
pub struct Stats(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    since: SystemTime,
    series: RwLock<HashMap<Target, Arc<Mutex<Series>>>>,
}

impl Default for Stats {
    fn default() -> Self {
        Self(Arc::new(Shared { since: SystemTime::now(), series: RwLock::default() }))
    }
}

impl Stats {
    /// The target's series. Beyond the first 256, all models of a provider share one.
    fn of(&self, target: &Target) -> Arc<Mutex<Series>> {
        if let Some(series) = self.0.series.read().get(target) {
            return series.clone();
        }
        let mut all = self.0.series.write();
        let target = match all.len() < MOST_SERIES {
            true => target.clone(),
            false => Target { model: "(others)".into(), ..target.clone() },
        };
        all.entry(target).or_default().clone()
    }

    /// What was counted so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let series = self.0.series.read();
        let all = series.iter().map(|(target, series)| (target, series.lock().report()));
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

    fn target(provider: &str, model: &str) -> Target {
        Target { provider: provider.into(), model: model.into(), dialect: Dialect::Chat }
    }

    #[tokio::test]
    async fn beyond_the_most_series_a_provider_has_one_for_the_rest() {
        let stats = Stats::default();
        for n in 0..MOST_SERIES {
            stats.of(&target("p", &n.to_string()));
        }
        let exchange = Exchange::default();
        let observed = exchange.clone();
        let inner = service_fn(move |request: Request<()>| {
            let target = request.extensions().get().cloned();
            observed.begin().update(|facts| facts.target = target);
            async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
        });
        let mut service = StatsLayer::new(stats.clone()).layer(inner);
        for target in [target("p", "a"), target("p", "b"), target("q", "a")] {
            let request = Request::builder().extension(exchange.clone()).extension(target);
            service.call(request.body(()).unwrap()).await.unwrap();
        }
        let report = stats.report();
        assert_eq!(report.providers["p"].len(), MOST_SERIES + 1);
        let [p, q] = ["p", "q"].map(|provider| &report.providers[provider]["(others)"]);
        assert_eq!((p.requests, p.failovers), (2, 2));
        assert_eq!((q.requests, q.failovers), (1, 0));
    }
}
