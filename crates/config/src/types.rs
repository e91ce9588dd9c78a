//! The checked configuration.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::path::PathBuf;

use http::{StatusCode, Uri};
use indexmap::IndexMap;
use ipnet::IpNet;
use serde::Deserialize;
use switchtower_layers::{
    Dialect,
    budget::{Limits, Price},
    circuit_breaker::Scope,
    classify::ErrorRules,
    observe::Malformed,
    responses::Options,
    retry::DEFAULT_STATUSES,
    route::Commit,
};

use super::{
    Agent, Auth, CertificateAuthority, ConnectionLimits, Key, Probe, ProxyRoute, Quota, Routing,
    TasksConfig, Tls, check::lets_others_in, local::is_private,
};

/// A checked configuration. [`Config::default`] is what an empty file means.
#[derive(Clone, Debug)]
pub struct Config {
    /// `host`: the address to listen on. Loopback only, unless there are client keys. Default
    /// 127.0.0.1.
    pub host: IpAddr,
    /// `port`: the HTTP port; 0 lets the system choose. Default 3000.
    pub port: u16,
    /// `wsPort`: a second port, at which only WebSockets are served, at `/` and `/ws`; 0 lets the
    /// system choose. Default none.
    pub ws_port: Option<u16>,
    /// `dataDir`: what outlives a restart, relative to the working directory. Default `./data`.
    pub data_dir: PathBuf,
    /// `logDir`: log files, one per day, relative to the working directory. Default none.
    pub log_dir: Option<PathBuf>,
    /// `logFormat`. Default `text`.
    pub log_format: LogFormat,
    /// `log_bodies`: whether prompts and answers are logged. Default false.
    pub log_bodies: bool,
    /// `logLevel`. Default `info`.
    pub log_level: LogLevel,
    /// `body_limit_mb`: the largest request body, decoded, in MiB. 1 to 4096, default 64.
    pub body_limit_mb: u64,
    /// `drain_ms`: how long streams may finish after SIGTERM, in milliseconds. Default 30000.
    pub drain_ms: u64,
    /// `trusted_proxies`: peers whose forwarded headers are believed. Limits and budgets by address
    /// count the client behind them. Default none.
    pub trusted_proxies: Vec<IpNet>,
    /// `auth`: the client keys.
    pub auth: Auth,
    /// `tls`: with what it speaks https. Default none: http.
    pub tls: Option<Tls>,
    /// `limits`: how much of the gateway a client may hold.
    pub limits: ConnectionLimits,
    /// `models`: the providers, and which of them serves which model.
    pub models: Models,
    /// `responses`: what the Responses API remembers.
    pub responses: Responses,
    /// `routing`: which agent gets which task.
    pub routing: Routing,
    /// `agents`, in file order; their ids are unique.
    pub agents: Vec<Agent>,
    /// `allow_remote_agents`: whether endpoints of agents may be elsewhere than on this machine.
    /// Default false.
    pub allow_remote_agents: bool,
    /// `tasks`: how many run and wait, and for how long.
    pub tasks: TasksConfig,
    /// Warnings, in sentences: one for each provider that is skipped for lack of a key, and the
    /// like.
    pub warnings: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 3000,
            ws_port: None,
            data_dir: "./data".into(),
            log_dir: None,
            log_format: LogFormat::default(),
            log_bodies: false,
            log_level: LogLevel::default(),
            body_limit_mb: 64,
            drain_ms: 30_000,
            trusted_proxies: Vec::new(),
            auth: Auth::default(),
            tls: None,
            limits: ConnectionLimits::default(),
            models: Models::default(),
            responses: Responses::default(),
            routing: Routing::default(),
            agents: Vec::new(),
            allow_remote_agents: false,
            tasks: TasksConfig::default(),
            warnings: Vec::new(),
        }
    }
}

impl Config {
    /// The entry of `prices` for every model without a price of its own, and of `budgets` for every
    /// client without one.
    pub const OTHERS: &str = "default";

    /// Whether clients need a key.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.auth.keys.is_empty()
    }

    /// Whether the gateway may listen on this address: without client keys on loopback only.
    ///
    /// # Errors
    /// Says why not.
    pub fn may_listen_on(&self, address: IpAddr) -> Result<(), String> {
        if address.is_loopback() || self.has_keys() {
            return Ok(());
        }
        Err(lets_others_in(address))
    }

    /// `http` or `https`: how the gateway is spoken to.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The largest request body, decoded, in bytes.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        usize::try_from(self.body_limit_mb << 20).unwrap_or(usize::MAX)
    }
}

/// The providers, and which of them serves which model. Every provider named here exists.
#[derive(Clone, Debug)]
pub struct Models {
    /// `default_model`: what a request without a model asks for.
    pub default_model: Option<String>,
    /// `providers`, by name, in file order. Names have no `/`.
    pub providers: IndexMap<String, Provider>,
    /// `model_aliases`: the client's name to the real one, which is never an alias itself.
    pub model_aliases: IndexMap<String, String>,
    /// `fallback_chain`: provider names, each once.
    pub fallback_chain: Vec<String>,
    /// `model_routing`: pattern to provider names, in file order, each pattern once.
    pub model_routing: Vec<(String, Vec<String>)>,
    /// `commit`: when an answer is passed on, for a provider without its own. Default `first_token`.
    pub commit: Commit,
    /// `timeouts`: what a provider without its own uses.
    pub timeouts: Timeouts,
    /// `timeouts.total_ms`: a request with all its attempts, in milliseconds; 0 switches it off.
    /// Default 1800000.
    pub total_ms: u64,
    /// `timeouts.hold_ms`: how long the head of a stream is kept back at most while no provider has
    /// answered, in milliseconds; 0 keeps it back until one has. Default 15000.
    pub hold_ms: u64,
    /// `retry`: what a provider without its own uses.
    pub retry: Retry,
    /// `circuit_breaker`: what a provider without its own uses.
    pub circuit_breaker: CircuitBreaker,
    /// `circuit_breaker.scope`: how much has one circuit. Default `target`.
    pub circuit_scope: Scope,
    /// `rate_limit`: each client's limits, by path, in file order, unless its key has one
    /// of its own. Default none.
    pub rate_limit: IndexMap<String, RateLimit>,
    /// `quota`: the quota sources.
    pub quota: Quota,
    /// `prices`: what a model's tokens cost. `default` is that of every
    /// other model. Default none: a model without a price costs nothing.
    pub prices: IndexMap<String, Price>,
    /// `budgets`: what each client may use per day and month, by the name of its key; `default` is
    /// that of every other client. Default none.
    pub budgets: IndexMap<String, Limits>,
}

impl Default for Models {
    fn default() -> Self {
        Self {
            default_model: None,
            providers: IndexMap::new(),
            model_aliases: IndexMap::new(),
            fallback_chain: Vec::new(),
            model_routing: Vec::new(),
            commit: Commit::default(),
            timeouts: Timeouts::default(),
            total_ms: 1_800_000,
            hold_ms: 15_000,
            retry: Retry::default(),
            circuit_breaker: CircuitBreaker::default(),
            circuit_scope: Scope::default(),
            rate_limit: IndexMap::new(),
            quota: Quota::default(),
            prices: IndexMap::new(),
            budgets: IndexMap::new(),
        }
    }
}

/// A provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Provider {
    /// `base_url`: absolute `http` or `https`, without userinfo, query or trailing slash.
    pub base_url: Uri,
    /// The key, from `api_key`, else from the variable that `api_key_env` names.
    pub key: Key,
    /// `api_key_env`: the variable that the key comes from, unless `api_key` is the key.
    pub key_env: Option<String>,
    /// `models`: the names this provider knows, each once.
    pub models: Vec<String>,
    /// `aliases`: the client's name to the name at this provider, which is never an alias itself.
    pub aliases: IndexMap<String, String>,
    /// `dialect`. Default `chat`.
    pub dialect: Dialect,
    /// `include_usage`: whether its chat streams are asked for their usage. Default true.
    pub include_usage: bool,
    /// `max_tokens_field`, `verbosity`, `passes`: what it takes when a Responses request is
    /// translated for it. Default `max_tokens`, no verbosity, and no fields that pass as they are;
    /// OpenAI and Azure also get `prompt_cache_key` and `safety_identifier`.
    pub translation: Options,
    /// `enabled`. Default true; a disabled provider is skipped.
    pub enabled: bool,
    /// `commit`: its own policy, if it has one.
    pub commit: Option<Commit>,
    /// `timeouts`, completed from those of `models`, and [by its URL](Timeouts::default_for).
    pub timeouts: Timeouts,
    /// `retry`, completed from that of `models`.
    pub retry: Retry,
    /// `circuit_breaker`, completed from that of `models`.
    pub circuit_breaker: CircuitBreaker,
    /// `quota`: how it is asked for its balance. Default by the host of its base URL.
    pub probe: Probe,
    /// `errors`: what its errors mean, before the built-in rules. Default none.
    pub errors: ErrorRules,
    /// `proxy`: how connections to it are made. Default by the environment's proxy variables.
    pub proxy: ProxyRoute,
    /// `ca`: authorities that it may be certified by besides the system's. Default none.
    pub ca: Option<CertificateAuthority>,
    /// `malformed`: what is done about events of its streams that are not JSON. Default `fail`.
    pub malformed: Malformed,
}

impl Provider {
    /// Whether requests can be sent to it: it is enabled and has a key.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.enabled && matches!(self.key, Key::Present(_))
    }

    /// Whether it is the same service under the same key: then state of one holds for the other.
    #[must_use]
    pub fn is_same_service(&self, other: &Self) -> bool {
        self.base_url == other.base_url && self.key == other.key
    }

    /// A hint how to set the missing key; `None` if there is one.
    #[must_use]
    pub fn key_hint(&self) -> Option<String> {
        match &self.key {
            Key::Present(_) => None,
            Key::Missing { env: Some(name) } => Some(format!("set {name}")),
            Key::Missing { env: None } => Some("give it api_key_env or api_key".into()),
        }
    }

    /// The warning about an enabled provider that has no key.
    pub fn skipped(&self, name: &str) -> Option<String> {
        let hint = self.key_hint().filter(|_| self.enabled)?;
        Some(format!("provider `{name}` has no key and is skipped: {hint}"))
    }
}

/// Deadlines of one attempt, in milliseconds; 0 switches one off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// `connect_ms`: DNS, TCP, the proxy and TLS together. Default 5000.
    pub connect_ms: u64,
    /// `headers_ms`: to the head of a streamed answer. Default 60000.
    pub headers_ms: u64,
    /// `first_token_ms`: to the first content of a stream, or the head of a plain answer. Default
    /// 180000.
    pub first_token_ms: u64,
    /// `idle_ms`: between two pieces of an answer, from the first content of a stream on. Default
    /// 60000.
    pub idle_ms: u64,
}

impl Timeouts {
    /// Defaults for a provider at this URL. One on this machine or in its network may have to load a
    /// model first: 300000 for all but `connect_ms`.
    #[must_use]
    pub fn default_for(base_url: &Uri) -> Self {
        const LOADING_MS: u64 = 300_000;
        let general = Self::default();
        if !is_private(base_url) {
            return general;
        }
        let (headers_ms, first_token_ms, idle_ms) = (LOADING_MS, LOADING_MS, LOADING_MS);
        Self { headers_ms, first_token_ms, idle_ms, ..general }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 5000, headers_ms: 60_000, first_token_ms: 180_000, idle_ms: 60_000 }
    }
}

/// Settings of retries.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// `max_retries`: the most attempts after the first one; 0 switches retries off. Default 3.
    pub max_retries: u32,
    /// `before_failover`: retries of a target while another one is left. Default 1.
    pub before_failover: u32,
    /// `base_delay_ms`: the wait before the first retry, in milliseconds; it doubles with each, and
    /// up to as much again comes on top by chance. Default 500.
    pub base_delay_ms: u64,
    /// `max_delay_ms`: the longest wait, in milliseconds. A provider that asks for a longer one is
    /// not asked again. Default 10000.
    pub max_delay_ms: u64,
    /// `retryable_statuses`: never a success. Default 408, 409, 424, 429, 498, 500, 502, 503, 504,
    /// 529.
    pub retryable_statuses: Vec<StatusCode>,
    /// `budget`: how many retries a provider gets, as a share of its requests, from 0 to 1; 10 in
    /// 10 s come on top, and are all there is with 0. Default 0.2.
    pub budget: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_retries: 3,
            before_failover: 1,
            base_delay_ms: 500,
            max_delay_ms: 10_000,
            retryable_statuses: DEFAULT_STATUSES
                .into_iter()
                .filter_map(|status| StatusCode::from_u16(status).ok())
                .collect(),
            budget: 0.2,
        }
    }
}

/// Settings of circuit breakers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitBreaker {
    /// `failure_threshold`: so many faults without a success between them open the circuit; 0
    /// switches the counting off. Default 3.
    pub failure_threshold: u32,
    /// `reset_timeout_ms`: how long an open circuit waits before it lets a probe through, in
    /// milliseconds. Default 30000.
    pub reset_timeout_ms: u64,
    /// `half_open_max_requests`: how many probes there are; all have to succeed. Default 1.
    pub half_open_max_requests: NonZeroU32,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self {
            failure_threshold: 3,
            reset_timeout_ms: 30_000,
            half_open_max_requests: NonZeroU32::MIN,
        }
    }
}

/// A rate limit per client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// `rpm`: requests per minute.
    pub rpm: NonZeroU32,
    /// `burst`: how many of them at once. Default as many as `rpm`.
    pub burst: NonZeroU32,
}

/// Bounds of the response store, for all clients together. When it is full the oldest leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Responses {
    /// `store`. Default `sqlite`.
    pub store: ResponseStore,
    /// `max_entries`: how many responses. 1 to 1000000000, default 10000.
    pub max_entries: u64,
    /// `max_mb`: how much they take, in MiB. 1 to 1048576, default 256.
    pub max_mb: u64,
    /// `expire_days`: for how long. 1 to 36500, default 30.
    pub expire_days: u64,
}

impl Default for Responses {
    fn default() -> Self {
        Self { store: ResponseStore::Sqlite, max_entries: 10_000, max_mb: 256, expire_days: 30 }
    }
}

/// Kind of the response store.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ResponseStore {
    /// In a file in `dataDir`: they survive a restart.
    #[default]
    Sqlite,
    /// Until the process ends.
    Memory,
}

/// Log level.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// Format of log lines.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl From<LogLevel> for tracing::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}
