//! `switchtower quota`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Number, json};

use super::args::ShowArgs;
use super::client::{self, Client};
use super::output::{Failure, ago, columns, line, print, print_json, until};

type Quotas = BTreeMap<String, Quota>;

#[derive(Deserialize)]
struct Quota {
    available: bool,
    #[serde(rename = "usedPercent")]
    used_percent: Option<f64>,
    summary: String,
    as_of: u64,
}

/// By client, and by the limit's name.
type Budgets = BTreeMap<String, BTreeMap<String, Budget>>;

#[derive(Deserialize)]
struct Budget {
    limit: Number,
    used: Number,
    reserved: Number,
    resets_at: u64,
}

/// Shows what the providers have left, and what was used of the budgets.
pub(super) fn run(args: &ShowArgs) -> Result<(), Failure> {
    let (quotas, budgets) = client::run(async {
        let client = Client::new(&args.gateway)?;
        let quotas = client.get("/model-gateway/quota").await?;
        Ok((quotas, client.get("/model-gateway/budgets").await?))
    })?;
    if args.json {
        return print_json(&json!({"quota": quotas, "budgets": budgets}));
    }
    let (quotas, budgets) = (client::read::<Quotas>(&quotas)?, client::read::<Budgets>(&budgets)?);
    let mut text = match quotas.is_empty() {
        true => "No provider tells what it has left.\n".to_owned(),
        false => providers(&quotas),
    };
    if !budgets.is_empty() {
        text.push_str(&format!("\n{}", clients(&budgets)));
    }
    print(&text)
}

fn providers(quotas: &Quotas) -> String {
    let head = ["PROVIDER", "AVAILABLE", "USED", "AS OF", "SUMMARY"].map(str::to_owned);
    let rows = quotas.iter().map(|(name, quota)| {
        let available = if quota.available { "yes" } else { "no" }.to_owned();
        let used = quota.used_percent.map_or_else(String::new, |used| format!("{used:.0}%"));
        [line(name), available, used, ago(quota.as_of), line(&quota.summary)]
    });
    columns(&[head].into_iter().chain(rows).collect::<Vec<_>>())
}

fn clients(budgets: &Budgets) -> String {
    let head = ["CLIENT", "LIMIT", "USED", "RESERVED", "OF", "RESETS"].map(str::to_owned);
    let rows = budgets.iter().flat_map(|(client, limits)| {
        limits.iter().map(move |(name, budget)| {
            let client = if client.is_empty() { "(all)".to_owned() } else { line(client) };
            let [used, reserved, limit] =
                [&budget.used, &budget.reserved, &budget.limit].map(amount);
            [client, line(name), used, reserved, limit, until(budget.resets_at)]
        })
    });
    columns(&[head].into_iter().chain(rows).collect::<Vec<_>>())
}

/// Tokens and requests are whole numbers, dollars are not.
fn amount(amount: &Number) -> String {
    match amount.as_u64() {
        Some(count) => count.to_string(),
        None => format!("{:.2}", amount.as_f64().unwrap_or_default()),
    }
}
