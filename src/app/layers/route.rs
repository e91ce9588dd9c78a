//! `models` to the router and its table.

use std::time::Duration;

use switchtower_layers::route::{Cooldowns, Provider, RouteLayer, RoutingTable};

use crate::config::Config;

/// The router. Streams are asked for their usage, which is counted. `cooldowns` outlive the layer.
pub(crate) fn layer(config: &Config, cooldowns: Cooldowns) -> RouteLayer {
    let models = &config.models;
    let max_head_delay = match models.hold_ms {
        0 => Duration::MAX,
        millis => Duration::from_millis(millis),
    };
    RouteLayer::new(routing_table(config))
        .cooldowns(cooldowns)
        .commit(models.commit)
        .max_head_delay(max_head_delay)
        // Another attempt at a target that broke off is a retry, too.
        .again(models.retry.max_retries.min(1))
        .include_usage(true)
}

/// The targets of each model name. Providers that are disabled or have no key are in it, with the
/// reason why they are skipped.
///
/// # Panics
/// If the chain or a pattern names a provider that is not there. A configuration that was
/// loaded never does.
#[must_use]
pub fn routing_table(config: &Config) -> RoutingTable {
    let models = &config.models;
    let mut table = RoutingTable::builder().fallback(models.fallback_chain.iter().cloned());
    for (name, provider) in &models.providers {
        let mut entry = Provider::new(name.as_str())
            .dialect(provider.dialect)
            .include_usage(provider.include_usage)
            .models(provider.models.iter().map(String::as_str));
        for (alias, model) in &provider.aliases {
            entry = entry.alias(alias.as_str(), model.as_str());
        }
        if let Some(commit) = provider.commit {
            entry = entry.commit(commit);
        }
        let hint = provider.key_hint().map(|hint| format!("no key ({hint})"));
        let reason = if provider.enabled { hint } else { Some("disabled".to_owned()) };
        if let Some(reason) = reason {
            entry = entry.unavailable(reason);
        }
        table = table.provider(entry);
    }
    for (alias, model) in &models.model_aliases {
        table = table.alias(alias.as_str(), model.as_str());
    }
    for (pattern, providers) in &models.model_routing {
        table = table.route(pattern.as_str(), providers.iter().cloned());
    }
    if let Some(model) = &models.default_model {
        table = table.default_model(model.as_str());
    }
    table.build().expect("the configuration was checked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    #[test]
    fn the_example_leads_where_it_says() {
        let example = include_str!("../../../gateway.example.yaml");
        let env = Env::fixed([("DEEPSEEK_API_KEY", "k"), ("OPENROUTER_API_KEY", "k")]);
        let table = routing_table(&Config::from_yaml("gateway.yaml", example, &env).unwrap());
        let plan = table.plan("deepseek-chat");
        assert_eq!(
            plan.to_string(),
            "deepseek/deepseek-chat, openrouter/deepseek-chat, ollama/deepseek-chat"
        );
        assert_eq!(plan.skipped[0].to_string(), "openai: no key (set OPENAI_API_KEY)");
        assert_eq!(table.plan("gpt-5.4").targets[0].to_string(), "deepseek/deepseek-chat");
        assert_eq!(table.plan("gpt-5.5").targets[1].to_string(), "ollama/qwen3:14b");
        assert_eq!(table.plan("openai/x").skipped.len(), 1);
        assert_eq!(table.default_model().map(|model| &**model), Some("deepseek-chat"));
    }

    #[test]
    fn a_disabled_provider_is_skipped() {
        let text = "models: {providers: {p: {base_url: http://x, api_key: k, enabled: false}}}";
        let table = routing_table(&Config::from_yaml("gateway.yaml", text, &Env::empty()).unwrap());
        assert_eq!(table.plan("m").skipped[0].to_string(), "p: disabled");
    }
}
