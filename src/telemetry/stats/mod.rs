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

    /// The series of a target that had attempts before.
    fn known(&self, target: &Target) -> Option<Arc<Mutex<Series>>> {
        self.0.series.read().get(target).cloned()
    }

    /// What was counted so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let series = self.0.series.read();
        let all = series.iter().map(|(target, series)| (target, series.lock().report()));
        Report::new(self.0.since, all)
    }
}
