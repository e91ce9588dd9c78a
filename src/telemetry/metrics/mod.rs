//! Prometheus metrics of `GET /metrics`, in the text format 0.0.4.
//!
//! What happens is counted where it happens: attempts by [`stats`](super::stats), requests by
//! [`access_log`](super::access_log). What merely is (circuits, quotas, connections) is looked at when
//! somebody asks, see [`Gauges`]. What the [OpenTelemetry conventions for generative AI][genai]
//! have a name for has that name, with underscores for dots.
//!
//! Clients do not control the number of series: a model name that the configuration does not have
//! is `other`. `docs/METRICS.md` lists them all.
//!
//! [genai]: https://github.com/open-telemetry/semantic-conventions-genai

mod families;
mod gauges;
mod process;
mod target;

pub use gauges::Gauges;
pub use target::Operation;
pub(super) use target::{TargetMetrics, outcome_name};

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use indexmap::IndexMap;
use parking_lot::RwLock;
use prometheus::{Registry, TextEncoder};
use switchtower_layers::{Code, Target, exchange::Cause};

use self::{families::Families, process::Process};
use crate::config::Config;

/// The name of every model that the configuration does not know.
pub const OTHER: &str = "other";

/// Asked at each scrape how many of something there are.
type Count = Box<dyn Fn() -> usize + Send + Sync>;

/// The metrics: a handle, every clone of which is the same. They outlive the stack.
#[derive(Clone)]
pub struct Metrics(Arc<Shared>);

struct Shared {
    registry: Registry,
    families: Families,
    known: RwLock<HashSet<Box<str>>>,
    counts: RwLock<BTreeMap<&'static str, Count>>,
    started: SystemTime,
}

impl Metrics {
    /// Counts nothing yet. Models of this configuration have series of their own.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let registry = Registry::new();
        let families = Families::new(&registry);
        let metrics = Self(Arc::new(Shared {
            registry,
            families,
            known: RwLock::default(),
            counts: RwLock::default(),
            started: SystemTime::now(),
        }));
        metrics.configure(config);
        metrics
    }

    /// Adopts a configuration: targets that are first seen from now on are named by it.
    pub fn configure(&self, config: &Config) {
        let models = &config.models;
        let at_providers = models
            .providers
            .values()
            .flat_map(|provider| provider.models.iter().chain(aliases(&provider.aliases)));
        let names = at_providers.chain(aliases(&models.model_aliases)).chain(&models.default_model);
        *self.0.known.write() = names.map(|name| name.as_str().into()).collect();
    }

    /// Registers a gauge of held keys: `count` is called at each scrape. A later one of the same
    /// kind replaces it.
    pub fn count_keys(
        &self,
        kind: &'static str,
        count: impl Fn() -> usize + Send + Sync + 'static,
    ) {
        self.0.counts.write().insert(kind, Box::new(count));
    }

    /// The answer to a scrape.
    #[must_use]
    pub fn render(&self, standing: &Gauges) -> String {
        let Shared { registry, known, counts, started, .. } = &*self.0;
        let now = Registry::new();
        standing.register(&now, |model| label(&known.read(), model).to_owned());
        gauges::register_keys(&now, counts.read().iter().map(|(kind, count)| (*kind, count())));
        Process::read(*started).register(&now);
        let mut families = registry.gather();
        families.extend(now.gather());
        let mut text = String::new();
        if let Err(error) = TextEncoder::new().encode_utf8(&families, &mut text) {
            tracing::error!(%error, "the metrics cannot be written");
        }
        text
    }

    /// The handles of a target's series.
    pub(super) fn target(&self, target: &Target) -> TargetMetrics {
        let model = label(&self.0.known.read(), &target.model).into();
        TargetMetrics::new(self.clone(), target.provider.clone(), model)
    }

    /// Whether the configuration has a model of this name.
    pub(super) fn knows(&self, model: &str) -> bool {
        self.0.known.read().contains(model)
    }

    /// A request has come.
    pub(super) fn begun(&self) {
        self.0.families.in_flight.inc();
    }

    /// Its answer is a stream.
    pub(super) fn streaming(&self) {
        self.0.families.streams.inc();
    }

    /// A request has ended.
    pub(super) fn ended(&self, request: &Request) {
        let Request { route, status, outcome, took, first_token, is_stream } = *request;
        let families = &self.0.families;
        families.in_flight.dec();
        if is_stream {
            families.streams.dec();
        }
        families.requests.with_label_values(&[route, status, outcome]).inc();
        families.request_duration.with_label_values(&[route]).observe(took.as_secs_f64());
        if let Some(first_token) = first_token {
            let seconds = first_token.as_secs_f64();
            families.request_first_token.with_label_values(&[route]).observe(seconds);
        }
    }

    /// A layer has rejected a request, or a target of its plan.
    pub(super) fn rejected(&self, layer: &'static str, code: Code) {
        let layer = if layer.is_empty() { "api" } else { layer };
        self.0.families.rejections.with_label_values(&[layer, code.as_str()]).inc();
    }

    fn failover(&self, provider: &str, model: &str, cause: Cause) {
        self.0.families.failovers.with_label_values(&[provider, model, cause.as_str()]).inc();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// A request that has ended, as it is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) route: &'static str,
    /// `2xx`, or `none` when there was no answer.
    pub(super) status: &'static str,
    pub(super) outcome: &'static str,
    pub(super) took: Duration,
    pub(super) first_token: Option<Duration>,
    pub(super) is_stream: bool,
}

/// Both names: where an alias does not apply, the client's goes out unchanged.
fn aliases(aliases: &IndexMap<String, String>) -> impl Iterator<Item = &String> {
    aliases.iter().flat_map(|(alias, model)| [alias, model])
}

fn label<'a>(known: &HashSet<Box<str>>, model: &'a str) -> &'a str {
    if known.contains(model) { model } else { OTHER }
}
