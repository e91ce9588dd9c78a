use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::{Json, extract::State};
use serde::Serialize;
use switchtower_layers::circuit_breaker::{Key as CircuitKey, State as CircuitState, Status};

use super::Shared;
use crate::config::{Key, Provider, is_local};

/// `GET /health`: this process answers.
pub(super) async fn live() -> Json<Live> {
    Json(Live { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

#[derive(Serialize)]
pub(super) struct Live {
    status: &'static str,
    version: &'static str,
}

/// `GET /model-gateway/health`: which providers can be used, and why the others cannot.
pub(super) async fn providers(State(shared): State<Shared>) -> Json<Health> {
    let circuits = shared.circuits.list();
    let summaries = shared.config.models.providers.iter().map(|(name, provider)| {
        let own: Vec<&Status> = circuits.iter().filter(|circuit| is_of(circuit, name)).collect();
        let usable = provider.is_usable() && (own.is_empty() || own.iter().any(|c| !is_open(c)));
        let open = own.into_iter().filter(|circuit| is_open(circuit));
        // One that was forced open does not wait: it comes last.
        let soonest = open.min_by_key(|circuit| circuit.remaining.unwrap_or(Duration::MAX));
        (usable, Summary { name: name.clone(), summary: summary(provider, soonest) })
    });
    let (available, unavailable): (Vec<_>, Vec<_>) = summaries.partition(|(usable, _)| *usable);
    let names = |providers: Vec<(bool, Summary)>| providers.into_iter().map(|(_, s)| s).collect();
    Json(Health {
        status: if available.is_empty() { "unavailable" } else { "ok" },
        timestamp: unix_millis(),
        providers_available: names(available),
        providers_unavailable: names(unavailable),
    })
}

#[derive(Serialize)]
pub(super) struct Health {
    /// `ok` when any provider can be used, else `unavailable`.
    status: &'static str,
    /// Milliseconds since the Unix epoch.
    timestamp: u128,
    providers_available: Vec<Summary>,
    providers_unavailable: Vec<Summary>,
}

#[derive(Serialize)]
struct Summary {
    name: String,
    summary: String,
}

/// One line for a person.
fn summary(provider: &Provider, open: Option<&Status>) -> String {
    match (&provider.key, open) {
        _ if !provider.enabled => "Disabled".into(),
        (Key::Missing { env: Some(env) }, _) => format!("No key: set {env}"),
        (Key::Missing { env: None }, _) => "No key: give it api_key_env or api_key".into(),
        (Key::Present(_), Some(circuit)) => format!("Circuit {circuit}"),
        (Key::Present(_), None) if is_local(&provider.base_url) => {
            "Local - always available".into()
        }
        (Key::Present(_), None) => "Key present".into(),
    }
}

/// Whether it is the provider's circuit, or that of one of its models.
pub(super) fn is_of(circuit: &Status, name: &str) -> bool {
    match &circuit.key {
        CircuitKey::Target { provider, .. } | CircuitKey::Name(provider) => **provider == *name,
        CircuitKey::Shared => false,
    }
}

/// One whose probe is due lets the next call through: whoever waits for it must send one.
fn is_open(circuit: &Status) -> bool {
    circuit.state == CircuitState::Open && circuit.remaining != Some(Duration::ZERO)
}

pub(super) fn unix_millis() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}
