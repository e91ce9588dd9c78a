//! The providers together, and what refers to them.

use super::{
    Checker,
    egress::General,
    provider::{commit, timeouts},
    resilience::scope,
};
use crate::raw::{Entries, RawModels, RawProvider, RawTimeouts, Text};
use crate::{Models, Timeouts};

impl Checker<'_> {
    pub(super) fn models(&mut self, raw: RawModels) -> Models {
        let raw_timeouts = raw.timeouts.unwrap_or_default();
        let timeouts = timeouts(&RawTimeouts::default(), &raw_timeouts, Timeouts::default());
        let providers: Vec<(Text, RawProvider)> = raw
            .providers
            .map(|entries| entries.0)
            .unwrap_or_default()
            .into_iter()
            .map(|(name, provider)| (name, provider.unwrap_or_default()))
            .collect();
        // Taken before any provider is dropped for its own mistakes, which would cause others.
        let names: Vec<Text> = providers.iter().map(|(name, _)| name.clone()).collect();
        self.unique("provider", &names);

        let variables: Vec<&str> = providers
            .iter()
            .filter(|(_, provider)| provider.enabled != Some(false))
            .filter_map(|(_, provider)| provider.api_key_env.as_ref())
            .map(|variable| variable.value.as_str())
            .collect();
        let mut variables = self.env.resolve(&variables);
        self.warnings.append(&mut variables.warnings);
        let proxies = self.proxy_variables(&providers);
        let general = General { timeouts: &raw_timeouts, proxies: &proxies };

        let mut models = Models { timeouts, ..Models::default() };
        models.commit = raw.commit.map_or(models.commit, commit);
        models.total_ms =
            raw_timeouts.total_ms.as_ref().map_or(models.total_ms, |total| total.value);
        models.hold_ms = raw_timeouts.hold_ms.as_ref().map_or(models.hold_ms, |hold| hold.value);
        models.retry = self.retry(raw.retry, &models.retry);
        let breaker = raw.circuit_breaker.unwrap_or_default();
        models.circuit_breaker = self.circuit_breaker(&breaker, models.circuit_breaker);
        models.circuit_scope = breaker.scope.map_or(models.circuit_scope, |raw| scope(raw.value));
        models.rate_limit = self.rate_limit(raw.rate_limit);
        models.quota = self.quota(raw.quota.unwrap_or_default(), &names);
        models.prices = self.prices(raw.prices);
        models.budgets = self.budgets(raw.budgets, &models.prices);
        for (name, raw) in providers {
            let Some(provider) = self.provider(&name, raw, &variables, &models, general) else {
                continue;
            };
            self.warnings.extend(provider.skipped(&name.value));
            models.providers.insert(name.value, provider);
        }
        self.report_wrong_variables();
        self.pinned_elsewhere(&models);
        models.default_model = raw.default_model.map(|name| self.named("model", name));
        models.model_aliases = self.aliases(raw.model_aliases);
        models.fallback_chain = self.providers_of(raw.fallback_chain, &names);
        models.model_routing = self.model_routing(raw.model_routing, &names);
        models
    }

    fn model_routing(
        &mut self,
        entries: Option<Entries<Option<Vec<Text>>>>,
        names: &[Text],
    ) -> Vec<(String, Vec<String>)> {
        let entries = entries.map(|entries| entries.0).unwrap_or_default();
        self.unique("pattern", entries.iter().map(|(pattern, _)| pattern));
        let mut routing: Vec<(String, Vec<String>)> = Vec::new();
        for (pattern, providers) in entries {
            if providers.as_ref().is_none_or(Vec::is_empty) {
                self.wrong(&pattern, format!("`{}` leads to no provider", pattern.value))
                    .help("list at least one, or remove the pattern".to_owned());
            }
            let providers = self.providers_of(providers, names);
            let pattern = self.named("pattern", pattern);
            let wins = |(earlier, _): &&(String, Vec<String>)| {
                !earlier.contains('*') && pattern.starts_with(earlier.as_str())
            };
            if let Some((earlier, _)) = routing.iter().find(wins) {
                self.warnings.push(format!(
                    "the model_routing pattern `{pattern}` is never used: `{earlier}` above it matches first"
                ));
            }
            routing.push((pattern, providers));
        }
        routing
    }

    /// `provider/model` pins a provider, and some providers have such names for their models.
    fn pinned_elsewhere(&mut self, models: &Models) {
        for (name, provider) in &models.providers {
            for model in provider.models.iter().chain(provider.aliases.keys()) {
                let Some((first, _)) = model.split_once('/') else { continue };
                if first != name && models.providers.contains_key(first) {
                    self.warnings.push(format!(
                        "`{model}` asks the provider `{first}`; write `{name}/{model}` for the one of `{name}`"
                    ));
                }
            }
        }
    }

    /// A list of providers that have to exist.
    fn providers_of(&mut self, list: Option<Vec<Text>>, names: &[Text]) -> Vec<String> {
        for provider in list.iter().flatten() {
            self.exists("provider", provider, names.iter().map(|name| name.value.as_str()));
        }
        self.list("provider", list)
    }
}
