//! The text at startup.

use std::net::SocketAddr;

use super::check::names;
use super::config_source::Origin;
use super::models::key;
use super::output::columns;
use super::url;
use crate::app::routing_table;
use crate::config::{Config, Provider};

/// The address, what it runs on, and something to paste.
pub(super) fn text(
    origin: &Origin,
    config: &Config,
    address: SocketAddr,
    sockets: Option<SocketAddr>,
) -> String {
    let providers: Vec<_> =
        config.models.providers.iter().map(|(name, p)| [name.clone(), key(p)]).collect();
    let mut text = format!(
        "Switchtower {version} listens on {scheme}://{address}\n\nConfiguration: {origin}\nDashboard: {base}/dashboard\n",
        version = env!("CARGO_PKG_VERSION"),
        scheme = config.scheme(),
        base = url::base(config, address),
    );
    if let Some(sockets) = sockets {
        let scheme = if config.tls.is_some() { "wss" } else { "ws" };
        text.push_str(&format!("WebSocket: {scheme}://{sockets}\n"));
    }
    if !providers.is_empty() {
        text.push_str(&format!("\nProviders:\n{}", columns(&providers)));
    }
    // That a provider has no key is said above.
    let said: Vec<_> =
        config.models.providers.iter().filter_map(|(name, p)| p.skipped(name)).collect();
    let warnings: Vec<_> =
        config.warnings.iter().filter(|warning| !said.contains(warning)).collect();
    if !warnings.is_empty() {
        text.push('\n');
    }
    for warning in warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    if matches!(origin, Origin::Demo) {
        text.push_str(
            "\nThe demo providers answer in this process; nothing leaves this machine. Their models are demo,\n\
             demo-failover, which the first one refuses and the second one answers, and to see what goes\n\
             wrong, demo-slow, demo-429, demo-500 and demo-cut. For a real provider, set OPENAI_API_KEY,\n\
             DEEPSEEK_API_KEY or OPENROUTER_API_KEY, or write a gateway.yaml.\n",
        );
    } else if !config.models.providers.values().any(Provider::is_usable) {
        text.push_str(
            "\nNo provider can be used yet, so every request for a model is answered with 503.\n",
        );
    }
    text.push_str(&format!("\nTry it:\n\n{}\n\nCtrl-C stops it.\n", curl(config, address)));
    text
}

/// A command that works when it is pasted into a shell.
fn curl(config: &Config, address: SocketAddr) -> String {
    let table = routing_table(config);
    let known = |model: &&str| {
        table.plan(model).targets.iter().any(|target| table.knows(&target.provider, model))
    };
    let base = url::base(config, address);
    let key = if config.has_keys() { " -H \"authorization: Bearer $SWITCHTOWER_KEY\"" } else { "" };
    let Some(model) = names(config).into_iter().find(known) else {
        return format!("  curl {base}/v1/models{key}");
    };
    let model = serde_json::Value::from(model);
    let body = format!(
        r#"{{"model": {model}, "stream": true, "messages": [{{"role": "user", "content": "Hello!"}}]}}"#
    );
    // The only character that ends a single-quoted word.
    let body = body.replace('\'', r"'\''");
    format!(
        "  curl -N {base}/v1/chat/completions{key} -H 'content-type: application/json' \\\n    -d '{body}'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    fn started(yaml: &str) -> String {
        let config = Config::from_yaml("gateway.yaml", yaml, &Env::empty()).unwrap();
        let origin = Origin::File("gateway.yaml".into());
        text(&origin, &config, SocketAddr::from(([127, 0, 0, 1], 3000)), None)
    }

    #[test]
    fn the_command_asks_for_a_model_that_answers() {
        let yaml = include_str!("../../gateway.example.yaml");
        let text = started(yaml);
        assert!(text.contains(r#""model": "qwen3:14b""#), "only ollama has a key: {text}");
        let quoted =
            "models: {providers: {p: {base_url: http://x, api_key: k, models: [\"it's\"]}}}";
        assert!(started(quoted).contains(r#""model": "it'\''s""#));
    }

    #[test]
    fn without_a_key_it_says_so() {
        let text = started("models: {providers: {p: {base_url: http://x, api_key_env: P_KEY}}}");
        assert!(text.contains("p  no key: set P_KEY\n"), "{text}");
        assert!(text.contains("No provider can be used yet"), "{text}");
        assert!(!text.contains("warning"), "it is said once: {text}");
    }

    #[test]
    fn it_can_be_spoken_to_as_it_says() {
        let keys = format!("auth: {{keys: [{{name: a, hash: 'sha256:{}'}}]}}", "0".repeat(64));
        let text = started(&format!("{keys}\nhost: 0.0.0.0\ntls: {{cert: c, key: k}}"));
        assert!(text.contains(" listens on https://127.0.0.1:3000\n"), "{text}");
        let curl =
            "curl https://127.0.0.1:3000/v1/models -H \"authorization: Bearer $SWITCHTOWER_KEY\"";
        assert!(text.contains(curl), "{text}");
    }

    #[test]
    fn the_port_of_sockets_is_told() {
        let config = Config::from_yaml("c", "tls: {cert: c, key: k}", &Env::empty()).unwrap();
        let [main, sockets] = [3000, 3001].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let origin = Origin::File("gateway.yaml".into());
        let text = text(&origin, &config, main, Some(sockets));
        assert!(text.contains("\nWebSocket: wss://127.0.0.1:3001\n"), "{text}");
    }

    #[test]
    fn oddities_are_told() {
        let text = started("routing: {rules: [{name: r, agent: codex}]}");
        assert!(text.contains("\nwarning: the rule `r` never applies"), "{text}");
    }
}
