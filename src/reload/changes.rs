use std::fmt;

use indexmap::IndexMap;

use crate::config::{CircuitBreaker, Config, ConnectionLimits, Models, Provider, Retry, Timeouts};

/// Difference between two configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The settings that were taken up, by their names in the file, never their values. Providers
    /// are named one by one.
    pub settings: Vec<String>,
    /// The settings that differ from what runs, and need a restart.
    pub restart_needed: Vec<&'static str>,
}

impl Changes {
    /// Compares the running configuration with the next one.
    #[must_use]
    pub fn between(running: &Config, next: &Config) -> Self {
        let mut changes = Self::default();
        changes.compare(running, next);
        changes
    }

    /// Whether the next configuration is the one that runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.restart_needed.is_empty()
    }

    // Taken apart, so that no setting can be forgotten here when it is added there.
    fn compare(&mut self, a: &Config, b: &Config) {
        let Config {
            host,
            port,
            ws_port,
            data_dir,
            log_dir,
            log_level,
            log_format,
            log_bodies,
            auth,
            tls,
            limits,
            body_limit_mb,
            drain_ms,
            trusted_proxies,
            models,
            responses,
            routing,
            agents,
            allow_remote_agents,
            tasks,
            warnings: _,
        } = a;
        for (name, is_same) in [
            ("host", *host == b.host),
            ("port", *port == b.port),
            ("wsPort", *ws_port == b.ws_port),
            ("dataDir", *data_dir == b.data_dir),
            ("logDir", *log_dir == b.log_dir),
            ("logFormat", *log_format == b.log_format),
            ("tls", tls.is_some() == b.tls.is_some()),
            ("limits.connections", limits.connections == b.limits.connections),
            ("limits.header_timeout_ms", limits.header_timeout_ms == b.limits.header_timeout_ms),
        ] {
            if !is_same {
                self.restart_needed.push(name);
            }
        }
        self.note("logLevel", *log_level == b.log_level);
        self.note("log_bodies", *log_bodies == b.log_bodies);
        self.note("auth", *auth == b.auth);
        self.note("tls", tls.is_none() || b.tls.is_none() || *tls == b.tls);
        self.note("limits", *limits == with_fixed(b.limits, limits));
        self.note("body_limit_mb", *body_limit_mb == b.body_limit_mb);
        self.note("drain_ms", *drain_ms == b.drain_ms);
        self.note("trusted_proxies", *trusted_proxies == b.trusted_proxies);
        self.compare_models(models, &b.models);
        self.note("responses", *responses == b.responses);
        self.note("routing", *routing == b.routing);
        self.note("agents", *agents == b.agents);
        self.note("allow_remote_agents", *allow_remote_agents == b.allow_remote_agents);
        self.note("tasks", *tasks == b.tasks);
    }

    fn compare_models(&mut self, a: &Models, b: &Models) {
        let Models {
            default_model,
            providers,
            model_aliases,
            fallback_chain,
            model_routing,
            commit,
            timeouts,
            total_ms,
            hold_ms,
            retry,
            circuit_breaker,
            circuit_scope,
            rate_limit,
            quota,
            prices,
            budgets,
        } = a;
        self.note("models.default_model", *default_model == b.default_model);
        self.compare_providers(a, b);
        // The order of providers is the order of failover.
        let both =
            |name: &&String| providers.contains_key(*name) && b.providers.contains_key(*name);
        let order = |providers: &IndexMap<String, Provider>| -> Vec<String> {
            providers.keys().filter(both).cloned().collect()
        };
        self.note("models.providers (their order)", order(providers) == order(&b.providers));
        self.note("models.model_aliases", *model_aliases == b.model_aliases);
        self.note("models.fallback_chain", *fallback_chain == b.fallback_chain);
        self.note("models.model_routing", *model_routing == b.model_routing);
        self.note("models.commit", *commit == b.commit);
        let is_same = (timeouts, total_ms, hold_ms) == (&b.timeouts, &b.total_ms, &b.hold_ms);
        self.note("models.timeouts", is_same);
        self.note("models.retry", *retry == b.retry);
        let is_same = *circuit_breaker == b.circuit_breaker && *circuit_scope == b.circuit_scope;
        self.note("models.circuit_breaker", is_same);
        self.note("models.rate_limit", rate_limit.iter().eq(&b.rate_limit));
        self.note("models.quota", *quota == b.quota);
        self.note("models.prices", *prices == b.prices);
        self.note("models.budgets", *budgets == b.budgets);
    }

    fn compare_providers(&mut self, a: &Models, b: &Models) {
        for (name, provider) in &a.providers {
            match b.providers.get(name) {
                None => self.settings.push(format!("models.providers.{name} (removed)")),
                Some(next) => {
                    let is_same = own(a, provider) == own(b, next);
                    self.note(&format!("models.providers.{name}"), is_same);
                }
            }
        }
        for name in b.providers.keys().filter(|name| !a.providers.contains_key(*name)) {
            self.settings.push(format!("models.providers.{name} (added)"));
        }
    }

    fn note(&mut self, name: &str, is_same: bool) {
        if !is_same {
            self.settings.push(name.to_owned());
        }
    }
}

/// A provider without what it inherits from `models`, which is reported once.
fn own<'a>(
    models: &'a Models,
    provider: &'a Provider,
) -> (Provider, Option<Timeouts>, Option<&'a Retry>, Option<CircuitBreaker>) {
    let Provider { timeouts, retry, circuit_breaker, .. } = provider;
    let without = Provider {
        timeouts: Timeouts::default(),
        retry: Retry::default(),
        circuit_breaker: CircuitBreaker::default(),
        ..provider.clone()
    };
    (
        without,
        Some(*timeouts).filter(|own| *own != models.timeouts),
        Some(retry).filter(|own| **own != models.retry),
        Some(*circuit_breaker).filter(|own| *own != models.circuit_breaker),
    )
}

/// The names, for a line in the log.
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.settings.is_empty() {
            true => f.write_str("nothing"),
            false => f.write_str(&self.settings.join(", ")),
        }
    }
}

/// The limits that are read once, as they were.
fn with_fixed(next: ConnectionLimits, running: &ConnectionLimits) -> ConnectionLimits {
    let ConnectionLimits { connections, header_timeout_ms, .. } = *running;
    ConnectionLimits { connections, header_timeout_ms, ..next }
}

/// What cannot change while it runs stays as it is.
pub(crate) fn keep_fixed(next: &mut Config, running: &Config) {
    next.host = running.host;
    next.port = running.port;
    next.ws_port = running.ws_port;
    next.data_dir.clone_from(&running.data_dir);
    next.log_dir.clone_from(&running.log_dir);
    next.log_format = running.log_format;
    if next.tls.is_some() != running.tls.is_some() {
        next.tls.clone_from(&running.tls);
    }
    next.limits = with_fixed(next.limits, &running.limits);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    fn config(yaml: &str) -> Config {
        Config::from_yaml("test.yaml", &yaml.replace("HASH", &"0".repeat(64)), &Env::empty())
            .unwrap_or_else(|e| panic!("{e}"))
    }

    #[track_caller]
    fn changes(before: &str, after: &str) -> String {
        let changes = Changes::between(&config(before), &config(after));
        format!("{changes}; {}", changes.restart_needed.join(", "))
    }

    #[test]
    fn each_setting_is_named() {
        for (setting, named) in [
            ("logLevel: debug", "logLevel; "),
            ("log_bodies: true", "log_bodies; "),
            ("logFormat: json", "nothing; logFormat"),
            ("auth: {keys: [{name: a, hash: 'sha256:HASH'}]}", "auth; "),
            ("limits: {header_kb: 8}", "limits; "),
            ("limits: {connections: 9}", "nothing; limits.connections"),
            ("limits: {header_timeout_ms: 9}", "nothing; limits.header_timeout_ms"),
            ("tasks: {slots: 1}", "tasks; "),
            ("allow_remote_agents: true", "allow_remote_agents; "),
            ("body_limit_mb: 1", "body_limit_mb; "),
            ("drain_ms: 1", "drain_ms; "),
            ("trusted_proxies: [10.0.0.1]", "trusted_proxies; "),
            ("responses: {max_mb: 1}", "responses; "),
            ("agents: [{id: a, type: codex}]", "agents; "),
            ("routing: {defaultAgent: codex}", "routing; "),
            ("host: '::1'", "nothing; host"),
            (
                "{port: 1, wsPort: 2, dataDir: d, logDir: l}",
                "nothing; port, wsPort, dataDir, logDir",
            ),
            ("models: {default_model: m}", "models.default_model; "),
            ("models: {model_aliases: {a: b}}", "models.model_aliases; "),
            ("models: {commit: headers}", "models.commit; "),
            ("models: {timeouts: {idle_ms: 1}}", "models.timeouts; "),
            ("models: {timeouts: {total_ms: 1}}", "models.timeouts; "),
            ("models: {timeouts: {hold_ms: 1}}", "models.timeouts; "),
            ("models: {retry: {max_retries: 1}}", "models.retry; "),
            ("models: {circuit_breaker: {scope: provider}}", "models.circuit_breaker; "),
            ("models: {rate_limit: {/v1/*: {rpm: 1}}}", "models.rate_limit; "),
            ("models: {quota: {full_percent: 50}}", "models.quota; "),
            ("models: {prices: {m: {input_per_mtok: 1, output_per_mtok: 1}}}", "models.prices; "),
            ("models: {budgets: {default: {requests_per_day: 1}}}", "models.budgets; "),
        ] {
            assert_eq!(changes("", setting), named);
            assert_eq!(changes(setting, ""), named);
            assert_eq!(changes(setting, setting), "nothing; ");
        }
    }

    #[test]
    fn providers_are_named_one_by_one_and_for_what_is_their_own() {
        let with = |settings: &str, providers: &[&str]| {
            let providers: Vec<_> = providers
                .iter()
                .map(|p| p.replace('<', "{base_url: 'http://x', api_key: k").replace('>', "}"))
                .collect();
            format!("models: {{{settings} providers: {{{}}}}}", providers.join(", "))
        };
        for (before, after, named) in [
            (&["a: <>", "b: <>"][..], &["a: <, models: [m]>", "b: <>"][..], "models.providers.a; "),
            (&["a: <>"], &["a: <>", "b: <>"], "models.providers.b (added); "),
            (&["a: <>", "b: <>"], &["b: <>"], "models.providers.a (removed); "),
            (&["a: <>", "b: <>"], &["b: <>", "a: <>"], "models.providers (their order); "),
            (&["a: <, retry: {budget: 0.5}>"], &["a: <>"], "models.providers.a; "),
        ] {
            assert_eq!(changes(&with("", before), &with("", after)), named);
        }
        let chain = |names: &str| with(&format!("fallback_chain: [{names}],"), &["a: <>", "b: <>"]);
        assert_eq!(changes(&chain("a, b"), &chain("b, a")), "models.fallback_chain; ");
        let general = with("retry: {budget: 0.5},", &["a: <>"]);
        assert_eq!(changes(&with("", &["a: <>"]), &general), "models.retry; ");
        let routing = with("model_routing: {x: [a]},", &["a: <>"]);
        assert_eq!(changes(&with("", &["a: <>"]), &routing), "models.model_routing; ");
        let key = with("", &["a: <>"]).replace("api_key: k", "api_key: sk-new");
        assert_eq!(changes(&with("", &["a: <>"]), &key), "models.providers.a; ");
    }

    #[test]
    fn limits_by_path_depend_on_their_order() {
        let [a, b] = [
            "models: {rate_limit: {/v1/*: {rpm: 1}, /v1/x: {rpm: 2}}}",
            "models: {rate_limit: {/v1/x: {rpm: 2}, /v1/*: {rpm: 1}}}",
        ];
        assert_eq!(changes(a, b), "models.rate_limit; ");
    }

    #[test]
    fn what_is_fixed_stays() {
        let running = config("");
        let mut next =
            config("{port: 1, dataDir: d, drain_ms: 7, host: '::1', wsPort: 2, logDir: l}");
        keep_fixed(&mut next, &running);
        let changes = Changes::between(&running, &next);
        assert_eq!(changes.settings, ["drain_ms"]);
        assert!(changes.restart_needed.is_empty());
    }
}
