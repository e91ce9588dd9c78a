use std::sync::Arc;

use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry};
use std::time::SystemTime;
use switchtower_layers::{
    circuit_breaker::{CircuitState, Key, Status},
    quota::Snapshot,
};

use super::families::{MODEL, PROVIDER, added};
use crate::telemetry::logs::dropped_lines;

/// Values that are read at the moment of a scrape.
#[derive(Clone, Debug, Default)]
pub struct Gauges {
    /// The circuit breakers.
    pub circuits: Vec<Status>,
    /// Remaining quota of the providers, by name.
    pub quotas: Vec<(String, Arc<Snapshot>)>,
    /// Connections by provider: open ones, and those that ever were.
    pub connections: Vec<(Arc<str>, u64, u64)>,
}

impl Gauges {
    pub(super) fn register(&self, registry: &Registry, label: impl Fn(&str) -> String) {
        self.circuits(registry, label);
        self.quotas(registry);
        let open = gauge(
            registry,
            "switchtower_upstream_connections",
            "Connections to a provider that are open: in use, or pooled.",
            &[PROVIDER],
        );
        let made = counter(
            registry,
            "switchtower_upstream_connects_total",
            "Connections to a provider that were made.",
            &[PROVIDER],
        );
        for (provider, now, ever) in &self.connections {
            open.with_label_values(&[provider]).set(i64::try_from(*now).unwrap_or(i64::MAX));
            made.with_label_values(&[provider]).inc_by(*ever);
        }
        let dropped = counter(
            registry,
            "switchtower_log_lines_dropped_total",
            "Lines that the log files lack because they came too fast.",
            &[],
        );
        dropped.with_label_values::<&str>(&[]).inc_by(dropped_lines());
        let build =
            gauge(registry, "switchtower_build_info", "The version; always 1.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    }

    fn circuits(&self, registry: &Registry, label: impl Fn(&str) -> String) {
        let circuits = gauge(
            registry,
            "switchtower_circuits",
            "Circuits by state. Each target has one, or each provider; names that are not \
             configured share theirs.",
            &[PROVIDER, MODEL, "state"],
        );
        for circuit in &self.circuits {
            let (provider, model) = match &circuit.key {
                Key::Target { provider, model } => (&**provider, label(model)),
                Key::Name(name) => (&**name, String::new()),
                Key::Shared => ("", String::new()),
            };
            for (state, name) in STATES {
                let is_it = i64::from(circuit.state == state);
                circuits.with_label_values(&[provider, &*model, name]).add(is_it);
            }
        }
    }

    fn quotas(&self, registry: &Registry) {
        let available = gauge(
            registry,
            "switchtower_quota_available",
            "Whether a provider has something left, as far as is known.",
            &[PROVIDER],
        );
        let used = GaugeVec::new(
            Opts::new("switchtower_quota_used_ratio", "The fullest window of a provider's quota."),
            &[PROVIDER],
        );
        let balance = GaugeVec::new(
            Opts::new("switchtower_quota_balance", "What is left on a provider's account."),
            &[PROVIDER, "currency"],
        );
        let (used, balance) = (added(registry, used), added(registry, balance));
        let now = SystemTime::now();
        for (provider, snapshot) in &self.quotas {
            available.with_label_values(&[provider]).set(snapshot.is_available(now).into());
            if let Some(percent) = snapshot.used_percent {
                used.with_label_values(&[provider]).set(percent / 100.);
            }
            if let Some(left) = &snapshot.balance {
                balance.with_label_values(&[provider, &left.currency]).set(left.amount);
            }
        }
    }
}

const STATES: [(CircuitState, &str); 3] = [
    (CircuitState::Closed, "closed"),
    (CircuitState::Open, "open"),
    (CircuitState::HalfOpen, "half_open"),
];

/// How many keys are held, by kind.
pub(super) fn register_keys(
    registry: &Registry,
    counts: impl IntoIterator<Item = (&'static str, usize)>,
) {
    let keys = gauge(
        registry,
        "switchtower_keys",
        "Keys whose state is held: of rate limits, budgets and circuits.",
        &["kind"],
    );
    for (kind, count) in counts {
        keys.with_label_values(&[kind]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

fn gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    added(registry, IntGaugeVec::new(Opts::new(name, help), labels))
}

fn counter(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    added(registry, IntCounterVec::new(Opts::new(name, help), labels))
}
