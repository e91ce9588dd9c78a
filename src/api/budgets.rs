use crate::budget::Client;
use std::collections::BTreeMap;
use switchtower_layers::budget::Ledger;

use axum::{Json, extract::State};
use serde::Serialize;
use switchtower_layers::budget::{BudgetStatus, Unit};
use utoipa::ToSchema;

use switchtower_platform::clock::unix_millis;

/// What each client has used of each of its limits. Clients that have used nothing are not listed.
#[utoipa::path(
    get, path = "/model-gateway/budgets", tag = "gateway",
    responses((
        status = 200, description = "By client, and by the limit's name in the configuration",
        body = inline(BTreeMap<String, BTreeMap<String, Budget>>),
    )),
)]
pub(super) async fn list(State(ledger): State<Ledger<Client>>) -> Json<Budgets> {
    let ledger = ledger;
    let now = ledger.now();
    let clients = ledger.keys().into_iter().map(|client| {
        let standing = ledger.standing(&client, now);
        let limits = standing.iter().map(|standing| (standing.limit.name(), Budget::of(standing)));
        (client.map(|client| client.to_string()).unwrap_or_default(), limits.collect())
    });
    Json(clients.collect())
}

/// By client, and by the limit's name in the configuration.
type Budgets = BTreeMap<String, BTreeMap<&'static str, Budget>>;

/// How a client stands with one of its limits: in requests, tokens or dollars.
#[derive(Serialize, ToSchema)]
pub(super) struct Budget {
    #[schema(value_type = f64)]
    limit: Amount,
    #[schema(value_type = f64)]
    used: Amount,
    /// By requests under way.
    #[schema(value_type = f64)]
    reserved: Amount,
    /// Milliseconds since the Unix epoch.
    resets_at: u64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Amount {
    Count(u64),
    Dollars(f64),
}

impl Budget {
    fn of(standing: &BudgetStatus) -> Self {
        let amount = |amount: u64| match standing.limit.unit {
            Unit::Requests | Unit::Tokens => Amount::Count(amount),
            Unit::Money => Amount::Dollars(amount as f64 / 1e9),
        };
        Self {
            limit: amount(standing.limit.amount),
            used: amount(standing.used),
            reserved: amount(standing.reserved),
            resets_at: unix_millis(standing.resets_at),
        }
    }
}
