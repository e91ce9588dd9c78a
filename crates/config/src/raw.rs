//! The shape of the file, as it is written: every value with its place, nothing checked yet.
//!
//! Everything is optional here, so that a missing setting is reported together with the other
//! problems, and so that `models:` with nothing behind it means the same as no `models`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

use super::{LogFormat, LogLevel, ResponseStore, Scope};

pub(super) type Text = Spanned<String>;
type List = Option<Vec<Text>>;

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) host: Option<Text>,
    pub(super) port: Option<Spanned<u16>>,
    #[serde(rename = "wsPort")]
    pub(super) ws_port: Option<Spanned<u16>>,
    #[serde(rename = "ws_port")]
    pub(super) ws_port_twin: Option<Spanned<u16>>,
    #[serde(rename = "dataDir")]
    pub(super) data_dir: Option<Text>,
    #[serde(rename = "data_dir")]
    pub(super) data_dir_twin: Option<Text>,
    #[serde(rename = "logDir")]
    pub(super) log_dir: Option<Text>,
    #[serde(rename = "log_dir")]
    pub(super) log_dir_twin: Option<Text>,
    #[serde(rename = "logLevel")]
    pub(super) log_level: Option<Spanned<LogLevel>>,
    #[serde(rename = "log_level")]
    pub(super) log_level_twin: Option<Spanned<LogLevel>>,
    #[serde(rename = "logFormat")]
    pub(super) log_format: Option<Spanned<LogFormat>>,
    #[serde(rename = "log_format")]
    pub(super) log_format_twin: Option<Spanned<LogFormat>>,
    pub(super) log_bodies: Option<bool>,
    pub(super) body_limit_mb: Option<Spanned<u64>>,
    pub(super) drain_ms: Option<u64>,
    pub(super) trusted_proxies: List,
    pub(super) auth: Option<RawAuth>,
    pub(super) tls: Option<Spanned<RawTls>>,
    pub(super) limits: Option<RawLimits>,
    pub(super) models: Option<RawModels>,
    pub(super) responses: Option<RawResponses>,
    pub(super) routing: Option<RawRouting>,
    pub(super) agents: Option<Vec<Spanned<RawAgent>>>,
    pub(super) allow_remote_agents: Option<bool>,
    pub(super) tasks: Option<RawTasks>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAuth {
    pub(super) keys: Option<Vec<Spanned<RawAuthKey>>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAuthKey {
    pub(super) name: Option<Text>,
    pub(super) hash: Option<Text>,
    pub(super) key_env: Option<Text>,
    /// Refused: it is here so that this can be said without showing it.
    pub(super) key: Option<Text>,
    pub(super) scopes: Option<Vec<Spanned<Scope>>>,
    pub(super) models: List,
    pub(super) rate_limit: Option<RawRateLimit>,
    pub(super) budget: Option<RawBudget>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTls {
    pub(super) cert: Option<Text>,
    pub(super) key: Option<Text>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLimits {
    pub(super) header_kb: Option<Spanned<usize>>,
    pub(super) connections: Option<Spanned<usize>>,
    pub(super) streams_per_client: Option<Spanned<usize>>,
    pub(super) header_timeout_ms: Option<u64>,
    pub(super) body_timeout_ms: Option<u64>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawModels {
    pub(super) default_model: Option<Text>,
    pub(super) providers: Option<Entries<Option<RawProvider>>>,
    pub(super) model_aliases: Option<Entries<Text>>,
    pub(super) fallback_chain: List,
    pub(super) model_routing: Option<Entries<List>>,
    pub(super) commit: Option<RawCommit>,
    pub(super) timeouts: Option<RawTimeouts>,
    pub(super) retry: Option<RawRetry>,
    pub(super) circuit_breaker: Option<RawCircuitBreaker>,
    pub(super) rate_limit: Option<Entries<Option<RawRateLimit>>>,
    pub(super) quota: Option<RawQuota>,
    pub(super) prices: Option<Entries<Option<RawPrice>>>,
    pub(super) budgets: Option<Entries<Option<RawBudget>>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawProvider {
    pub(super) base_url: Option<Text>,
    pub(super) api_key: Option<Text>,
    pub(super) api_key_env: Option<Text>,
    pub(super) models: List,
    pub(super) aliases: Option<Entries<Text>>,
    pub(super) dialect: Option<RawDialect>,
    pub(super) include_usage: Option<bool>,
    pub(super) max_tokens_field: Option<RawMaxTokens>,
    pub(super) verbosity: Option<bool>,
    pub(super) passes: List,
    pub(super) enabled: Option<bool>,
    pub(super) commit: Option<RawCommit>,
    pub(super) timeouts: Option<RawTimeouts>,
    pub(super) retry: Option<RawRetry>,
    pub(super) circuit_breaker: Option<RawCircuitBreaker>,
    pub(super) quota: Option<RawProbe>,
    pub(super) errors: Option<Vec<Spanned<RawErrorRule>>>,
    pub(super) proxy: Option<Text>,
    pub(super) ca: Option<Text>,
    pub(super) malformed: Option<RawMalformed>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawErrorRule {
    pub(super) status: Option<Spanned<u16>>,
    pub(super) code: Option<Text>,
    pub(super) message: Option<Text>,
    pub(super) means: Option<Text>,
}

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawMalformed {
    Fail,
    Skip,
}

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawDialect {
    Chat,
    Responses,
}

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawMaxTokens {
    MaxTokens,
    MaxCompletionTokens,
}

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawCommit {
    FirstToken,
    Headers,
    Complete,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTimeouts {
    pub(super) connect_ms: Option<u64>,
    pub(super) headers_ms: Option<u64>,
    pub(super) first_token_ms: Option<u64>,
    pub(super) idle_ms: Option<u64>,
    pub(super) total_ms: Option<Spanned<u64>>,
    pub(super) hold_ms: Option<Spanned<u64>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawRetry {
    pub(super) max_retries: Option<u32>,
    pub(super) before_failover: Option<u32>,
    pub(super) base_delay_ms: Option<u64>,
    pub(super) max_delay_ms: Option<u64>,
    pub(super) retryable_statuses: Option<Vec<Spanned<u16>>>,
    pub(super) budget: Option<Spanned<f64>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawCircuitBreaker {
    pub(super) failure_threshold: Option<u32>,
    pub(super) reset_timeout_ms: Option<u64>,
    pub(super) half_open_max_requests: Option<Spanned<u32>>,
    pub(super) scope: Option<Spanned<RawScope>>,
}

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawScope {
    Target,
    Provider,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawRateLimit {
    pub(super) rpm: Option<Spanned<u32>>,
    pub(super) burst: Option<Spanned<u32>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawQuota {
    pub(super) codexbar: Option<RawCodexbar>,
    pub(super) map: Option<Entries<Text>>,
    pub(super) full_percent: Option<Spanned<f64>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawPrice {
    pub(super) input_per_mtok: Option<Spanned<f64>>,
    pub(super) cached_input_per_mtok: Option<Spanned<f64>>,
    pub(super) output_per_mtok: Option<Spanned<f64>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawCodexbar {
    pub(super) enabled: Option<bool>,
    pub(super) command: Option<Text>,
    pub(super) ttl_s: Option<Spanned<u64>>,
    pub(super) timeout_s: Option<Spanned<u64>>,
}

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawProbe {
    Deepseek,
    Openrouter,
    None,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawBudget {
    pub(super) requests_per_day: Option<Spanned<u64>>,
    pub(super) requests_per_month: Option<Spanned<u64>>,
    pub(super) tokens_per_day: Option<Spanned<u64>>,
    pub(super) tokens_per_month: Option<Spanned<u64>>,
    pub(super) usd_per_day: Option<Spanned<f64>>,
    pub(super) usd_per_month: Option<Spanned<f64>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawResponses {
    pub(super) store: Option<ResponseStore>,
    pub(super) max_entries: Option<Spanned<u64>>,
    pub(super) max_mb: Option<Spanned<u64>>,
    pub(super) expire_days: Option<Spanned<u64>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawRouting {
    #[serde(rename = "defaultAgent")]
    pub(super) default_agent: Option<Text>,
    #[serde(rename = "default_agent")]
    pub(super) default_agent_twin: Option<Text>,
    pub(super) rules: Option<Vec<Spanned<RawRule>>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawRule {
    pub(super) name: Option<Text>,
    pub(super) keywords: List,
    pub(super) strategy: Option<RawStrategy>,
    pub(super) agent: Option<Text>,
    pub(super) agents: List,
    pub(super) priority: Option<i64>,
}

#[derive(Clone, Copy, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawStrategy {
    #[default]
    Single,
    Broadcast,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAgent {
    pub(super) id: Option<Text>,
    pub(super) name: Option<Text>,
    pub(super) r#type: Option<RawAgentType>,
    pub(super) capabilities: List,
    pub(super) command: Option<Text>,
    pub(super) args: List,
    pub(super) endpoint: Option<Text>,
    pub(super) input: Option<Spanned<RawInput>>,
    pub(super) env: Option<Entries<Text>>,
    pub(super) timeout: Option<Spanned<u64>>,
    pub(super) max_concurrent: Option<Spanned<u64>>,
}

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawInput {
    Stdin,
    Argument,
}

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTasks {
    pub(super) slots: Option<Spanned<u64>>,
    pub(super) queue: Option<Spanned<u64>>,
    pub(super) timeout: Option<Spanned<u64>>,
    pub(super) output_limit_kb: Option<Spanned<u64>>,
    pub(super) keep: Option<Spanned<u64>>,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawAgentType {
    ClaudeCode,
    Openclaw,
    Codex,
    Process,
    Http,
}

/// A mapping whose keys have places, in file order, duplicates and all.
pub(super) struct Entries<T>(pub(super) Vec<(Text, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Collect<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Collect(PhantomData))
    }
}
