//! Who tells what the providers have left: their balance endpoints, and the command `codexbar`.
//!
//! Each is a [`QuotaSource`](switchtower_layers::quota::QuotaSource). What the providers' own answers
//! say comes to the [gate](switchtower_layers::quota) without them.

mod balance;
mod codexbar;
mod deepseek;
mod openrouter;

use std::time::Duration;

use switchtower_layers::quota::Quotas;

use self::{balance::BalanceProbe, codexbar::Codexbar};
use crate::{config::Config, upstream::Upstream};

/// Watches everything that the configuration speaks of: the balance of each usable provider that
/// has an endpoint for it, and `codexbar`. What a provider says of itself comes first.
///
/// # Panics
///
/// Outside of a Tokio runtime.
pub fn watch(config: &Config, upstream: &Upstream) -> Quotas {
    let quotas = Quotas::new(config.quota_names());
    for (name, provider) in &config.models.providers {
        if provider.is_usable() && provider.probe.has_balance() {
            quotas.watch(BalanceProbe::new(name, provider.probe, upstream.clone()));
        }
    }
    let settings = &config.models.quota;
    if let Some(codexbar) = &settings.codexbar {
        quotas.watch(Codexbar {
            command: codexbar.command.clone(),
            ttl: Duration::from_secs(codexbar.ttl_s),
            time_limit: Duration::from_secs(codexbar.timeout_s),
            full_percent: settings.full_percent,
            ..Codexbar::default()
        });
    }
    quotas
}
