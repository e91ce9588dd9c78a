use crate::config::Config;
use crate::mesh::agents::Agents;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use switchtower_layers::circuit_breaker::Handle;
use switchtower_layers::quota::Quotas;
use switchtower_platform::clock::{now, unix_millis};

use axum::{Json, extract::State};
use http::Extensions;
use serde::Serialize;
use switchtower_layers::{
    circuit_breaker::{CircuitState, Key as CircuitKey, Status},
    quota::Snapshot,
};
use utoipa::ToSchema;

use crate::{
    auth::Identity,
    config::{Key, Provider, Scope, is_local},
    mesh::agents,
};

/// Liveness of this process, and the available agents, for clients that may use them.
#[utoipa::path(
    get, path = "/health", tag = "gateway",
    responses((status = 200, description = "It does", body = Live)),
)]
pub(super) async fn live(State(agents): State<Agents>, asking: Extensions) -> Json<Live> {
    let list = || agents.list().into_iter().map(Agent::from).collect();
    Json(Live {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        timestamp: now(),
        agents: Identity::may(&asking, Scope::Agents).then(list),
    })
}

#[derive(Serialize, ToSchema)]
pub(super) struct Live {
    #[schema(pattern = "^ok$")]
    status: &'static str,
    /// The gateway's.
    version: &'static str,
    /// Milliseconds since the Unix epoch.
    timestamp: u64,
    /// Left out where there are client keys, for all but those with the scope `agents`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    agents: Option<Vec<Agent>>,
}

/// An agent, in short.
#[derive(Serialize, ToSchema)]
#[schema(as = LiveAgent)]
struct Agent {
    id: String,
    name: String,
    status: agents::Status,
}

impl From<agents::Summary> for Agent {
    fn from(agents::Summary { id, name, status, .. }: agents::Summary) -> Self {
        Self { id, name, status }
    }
}

/// Which providers can be used, and why the others cannot.
#[utoipa::path(
    get, path = "/model-gateway/health", tag = "gateway",
    responses((status = 200, description = "Every configured provider", body = Health)),
)]
pub(super) async fn providers(
    State(config): State<Arc<Config>>,
    State(circuits): State<Handle>,
    State(quotas): State<Quotas>,
) -> Json<Health> {
    let (circuits, now) = (circuits.list(), SystemTime::now());
    let summaries = config.models.providers.iter().map(|(name, provider)| {
        let own: Vec<&Status> = circuits.iter().filter(|circuit| is_of(circuit, name)).collect();
        let quota = quotas.of(name);
        let exhausted = quota.as_deref().filter(|quota| !quota.is_available(now));
        let usable = provider.is_usable()
            && exhausted.is_none()
            && (own.is_empty() || own.iter().any(|c| !is_open(c)));
        let shown = own.iter().copied().map(Circuit::of).collect();
        let open = own.into_iter().filter(|circuit| is_open(circuit));
        // One that was forced open does not wait: it comes last.
        let soonest = open.min_by_key(|circuit| circuit.remaining.unwrap_or(Duration::MAX));
        let summary = summary(provider, exhausted, soonest, quota.as_deref());
        (usable, Summary { name: name.clone(), summary, circuits: shown })
    });
    let (available, unavailable): (Vec<_>, Vec<_>) = summaries.partition(|(usable, _)| *usable);
    let names = |providers: Vec<(bool, Summary)>| providers.into_iter().map(|(_, s)| s).collect();
    Json(Health {
        status: if available.is_empty() { "unavailable" } else { "ok" },
        timestamp: unix_millis(now),
        providers_available: names(available),
        providers_unavailable: names(unavailable),
    })
}

#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok` when any provider can be used, else `unavailable`.
    #[schema(pattern = "^(ok|unavailable)$")]
    status: &'static str,
    /// Milliseconds since the Unix epoch.
    timestamp: u64,
    providers_available: Vec<Summary>,
    providers_unavailable: Vec<Summary>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ProviderSummary)]
struct Summary {
    name: String,
    /// For people: what is in the way, else what is known to be left.
    summary: String,
    /// How its circuits stand; left out while it has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    circuits: Vec<Circuit>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Circuit {
    /// The target, or the provider as a whole.
    key: String,
    /// In words: `open, probe in 12 s`.
    state: String,
}

impl Circuit {
    pub(super) fn of(status: &Status) -> Self {
        Self { key: status.key.to_string(), state: status.to_string() }
    }
}

/// One line for a person: what is in the way, else what is known to be left.
fn summary(
    provider: &Provider,
    exhausted: Option<&Snapshot>,
    open: Option<&Status>,
    quota: Option<&Snapshot>,
) -> String {
    match &provider.key {
        _ if !provider.enabled => "Disabled".into(),
        Key::Missing { env: Some(env) } => format!("No key: set {env}"),
        Key::Missing { env: None } => "No key: give it api_key_env or api_key".into(),
        Key::Present(_) => match (exhausted, open, quota) {
            (Some(quota), ..) | (None, None, Some(quota)) => quota.summary.clone(),
            (None, Some(circuit), _) => format!("Circuit {circuit}"),
            (None, None, None) if is_local(&provider.base_url) => LOCAL.into(),
            (None, None, None) => "Key present".into(),
        },
    }
}

/// Quota of a provider on this machine, for which there is no quota source.
pub(super) const LOCAL: &str = "Local - always available";

/// Whether it is the provider's circuit, or that of one of its models.
pub(super) fn is_of(circuit: &Status, name: &str) -> bool {
    match &circuit.key {
        CircuitKey::Target { provider, .. } | CircuitKey::Name(provider) => **provider == *name,
        CircuitKey::Shared => false,
    }
}

/// A circuit whose probe is due is not open: the next call must go through as the probe.
fn is_open(circuit: &Status) -> bool {
    circuit.state == CircuitState::Open && circuit.remaining != Some(Duration::ZERO)
}
