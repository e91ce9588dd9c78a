use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{Json, extract::State};
use serde::Serialize;

use crate::config::{Config, Key, Provider, is_local};

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
pub(super) async fn providers(State(config): State<Arc<Config>>) -> Json<Health> {
    let summaries = config.models.providers.iter().map(|(name, provider)| {
        (provider.is_usable(), Summary { name: name.clone(), summary: summary(provider) })
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
fn summary(provider: &Provider) -> String {
    match &provider.key {
        _ if !provider.enabled => "Disabled".into(),
        Key::Missing { env: Some(env) } => format!("No key: set {env}"),
        Key::Missing { env: None } => "No key: give it api_key_env or api_key".into(),
        Key::Present(_) if is_local(&provider.base_url) => "Local - always available".into(),
        Key::Present(_) => "Key present".into(),
    }
}

fn unix_millis() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}
