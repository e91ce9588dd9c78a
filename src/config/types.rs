//! What the rest of the gateway reads.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use http::Uri;
use indexmap::IndexMap;
use ipnet::IpNet;
use serde::Deserialize;
use switchtower_layers::{Dialect, route::Commit};

use super::{Agent, Key, Routing};

/// A checked configuration. [`Config::default`] is what an empty file means.
#[derive(Clone, Debug)]
pub struct Config {
    /// `host`: the address to listen on. Loopback only until client keys exist. Default 127.0.0.1.
    pub host: IpAddr,
    /// `port`: the HTTP port; 0 lets the system choose. Default 3000.
    pub port: u16,
    /// `wsPort`: the WebSocket port; 0 lets the system choose. Default 3001.
    pub ws_port: u16,
    /// `dataDir`: what outlives a restart, relative to the working directory. Default `./data`.
    pub data_dir: PathBuf,
    /// `logDir`: log files, relative to the working directory. Default `./logs`.
    pub log_dir: PathBuf,
    /// `logLevel`. Default `info`.
    pub log_level: LogLevel,
    /// `body_limit_mb`: the largest request body, decoded, in MiB. 1 to 4096, default 64.
    pub body_limit_mb: u64,
    /// `drain_ms`: how long streams may finish after SIGTERM, in milliseconds. Default 30000.
    pub drain_ms: u64,
    /// `trusted_proxies`: peers whose forwarded headers are believed. Default none.
    pub trusted_proxies: Vec<IpNet>,
    /// `models`: the providers, and which of them serves which model.
    pub models: Models,
    /// `routing`: which agent gets which task.
    pub routing: Routing,
    /// `agents`, in file order; their ids are unique.
    pub agents: Vec<Agent>,
    /// What is odd but not wrong, in sentences: one for each provider that is skipped for lack of a
    /// key, and the like.
    pub warnings: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 3000,
            ws_port: 3001,
            data_dir: "./data".into(),
            log_dir: "./logs".into(),
            log_level: LogLevel::default(),
            body_limit_mb: 64,
            drain_ms: 30_000,
            trusted_proxies: Vec::new(),
            models: Models::default(),
            routing: Routing::default(),
            agents: Vec::new(),
            warnings: Vec::new(),
        }
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
        }
    }
}

/// One upstream.
#[derive(Clone, Debug)]
pub struct Provider {
    /// `base_url`: absolute `http` or `https`, without userinfo, query or trailing slash.
    pub base_url: Uri,
    /// From `api_key`, else from the variable that `api_key_env` names.
    pub key: Key,
    /// `models`: the names this provider knows, each once.
    pub models: Vec<String>,
    /// `aliases`: the client's name to the name at this provider, which is never an alias itself.
    pub aliases: IndexMap<String, String>,
    /// `dialect`. Default `chat`.
    pub dialect: Dialect,
    /// `enabled`. Default true; a disabled provider is skipped.
    pub enabled: bool,
    /// `commit`: its own policy, if it has one.
    pub commit: Option<Commit>,
    /// `timeouts`, completed from those of `models`.
    pub timeouts: Timeouts,
}

impl Provider {
    /// Whether requests can be sent to it: it is enabled and has a key.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.enabled && matches!(self.key, Key::Present(_))
    }

    /// How to give it the key it lacks; `None` if it has one.
    #[must_use]
    pub fn key_hint(&self) -> Option<String> {
        match &self.key {
            Key::Present(_) => None,
            Key::Missing { env: Some(name) } => Some(format!("set {name}")),
            Key::Missing { env: None } => Some("give it api_key_env or api_key".into()),
        }
    }

    /// The warning about an enabled provider that has no key.
    pub(crate) fn skipped(&self, name: &str) -> Option<String> {
        let hint = self.key_hint().filter(|_| self.enabled)?;
        Some(format!("provider `{name}` has no key and is skipped: {hint}"))
    }
}

/// Deadlines of one attempt, in milliseconds; 0 switches one off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// `connect_ms`: DNS, TCP and TLS together. Default 5000.
    pub connect_ms: u64,
    /// `headers_ms`: to the head of a streamed answer. Default 120000.
    pub headers_ms: u64,
    /// `first_token_ms`: to the first content. Default 300000.
    pub first_token_ms: u64,
    /// `idle_ms`: between two pieces of an answer. Default 120000.
    pub idle_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 5000, headers_ms: 120_000, first_token_ms: 300_000, idle_ms: 120_000 }
    }
}

/// How much is logged.
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
