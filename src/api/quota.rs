use crate::config::Config;
use std::sync::Arc;
use std::{collections::BTreeMap, time::SystemTime};
use switchtower_layers::quota::Quotas;

use axum::{Json, extract::State};
use serde::Serialize;
use switchtower_layers::quota::{Balance, Snapshot};
use utoipa::ToSchema;

use super::health::LOCAL;
use crate::config::is_local;
use switchtower_platform::clock::unix_millis;

/// Remaining quota by provider, then by names from the quota sources that belong to no provider.
#[utoipa::path(
    get, path = "/model-gateway/quota", tag = "gateway",
    responses((status = 200, description = "By name", body = inline(BTreeMap<String, Quota>))),
)]
pub(super) async fn list(
    State(config): State<Arc<Config>>,
    State(quotas): State<Quotas>,
) -> Json<BTreeMap<String, Quota>> {
    let now = SystemTime::now();
    let mut list = BTreeMap::new();
    for (name, provider) in &config.models.providers {
        let local = || is_local(&provider.base_url).then(|| Snapshot::new(true, LOCAL).into());
        if let Some(snapshot) = quotas.of(name).or_else(local) {
            list.insert(name.clone(), Quota::of(name, &snapshot, now));
        }
    }
    let names = config.quota_names();
    for (name, snapshot) in quotas.list() {
        if !names.values().flatten().any(|known| **known == *name) {
            let quota = || Quota::of(&name, &snapshot, now);
            list.entry(name.to_string()).or_insert_with(quota);
        }
    }
    Json(list)
}

/// What is left.
#[derive(Serialize, ToSchema)]
pub(super) struct Quota {
    provider: String,
    available: bool,
    /// Of the fullest window.
    #[serde(rename = "usedPercent", skip_serializing_if = "Option::is_none")]
    used_percent: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<Money>,
    summary: String,
    /// Milliseconds since the Unix epoch.
    as_of: u64,
}

#[derive(Serialize, ToSchema)]
struct Money {
    amount: f64,
    currency: String,
}

impl Quota {
    fn of(name: &str, snapshot: &Snapshot, now: SystemTime) -> Self {
        let money = |Balance { amount, currency }| Money { amount, currency };
        Self {
            provider: name.to_owned(),
            available: snapshot.is_available(now),
            used_percent: snapshot.used_percent,
            balance: snapshot.balance.clone().map(money),
            summary: snapshot.summary.clone(),
            as_of: unix_millis(snapshot.as_of),
        }
    }
}
