//! Quota sources: `models.quota`.

use std::collections::HashMap;

use http::Uri;
use indexmap::IndexMap;

use super::{Config, is_local};

/// Quota sources besides the balances that [`Probe`] describes.
#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    /// `codexbar`: the command that reports many providers at once. Default: used when it is on the
    /// `PATH`.
    pub codexbar: Option<Codexbar>,
    /// `map`: what that command calls a provider. Default `{openai: codex}`; other providers go by
    /// their own names.
    pub map: IndexMap<String, String>,
    /// `full_percent`: from here on a window counts as full. Above 0, up to 100. Default 95.
    pub full_percent: f64,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            codexbar: None,
            map: IndexMap::from([("openai".to_owned(), "codex".to_owned())]),
            full_percent: 95.0,
        }
    }
}

/// Settings of the command `codexbar`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codexbar {
    /// `command`: a name on the `PATH`, or a path. Default `codexbar`.
    pub command: String,
    /// `ttl_s`: how often it is run, in seconds. 1 to 86400, default 60.
    pub ttl_s: u64,
    /// `timeout_s`: how long a run may take, in seconds. 1 to 600, default 10.
    pub timeout_s: u64,
}

impl Default for Codexbar {
    fn default() -> Self {
        Self { command: "codexbar".to_owned(), ttl_s: 60, timeout_s: 10 }
    }
}

/// Kind of a provider's balance endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Not stated, and the host of the base URL is not a known provider.
    Unknown,
    /// `none`: it is always available, whatever anybody says of it.
    None,
    /// `deepseek`: `GET /user/balance`.
    Deepseek,
    /// `openrouter`: `GET /credits`.
    Openrouter,
}

impl Probe {
    /// By the host of the provider's base URL.
    pub(super) fn of(base_url: &Uri) -> Self {
        let host = base_url.host().unwrap_or_default();
        match host.to_ascii_lowercase().as_str() {
            "api.deepseek.com" => Self::Deepseek,
            "openrouter.ai" => Self::Openrouter,
            _ => Self::Unknown,
        }
    }

    /// Whether there is a balance to ask for.
    pub fn has_balance(self) -> bool {
        matches!(self, Self::Deepseek | Self::Openrouter)
    }
}

impl Config {
    /// Names of a provider in quota reports: that of the map comes before its own.
    ///
    /// A provider on this machine is always available: what others say of its name is about
    /// another. Only the map, or a `quota` of its own, says that it is meant.
    #[must_use]
    pub fn quota_names(&self) -> HashMap<&str, Vec<&str>> {
        let own = self.models.providers.iter().map(|(name, provider)| {
            let is_meant = match provider.probe {
                Probe::None => return (name.as_str(), Vec::new()),
                Probe::Unknown => !is_local(&provider.base_url),
                Probe::Deepseek | Probe::Openrouter => true,
            };
            let mapped = self.models.quota.map.get(name).map(String::as_str);
            (name.as_str(), mapped.into_iter().chain(is_meant.then_some(name.as_str())).collect())
        });
        own.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;

    #[test]
    fn who_goes_by_which_name() {
        let yaml = "
models:
  quota: {map: {a: codex, near: nearby, off: codex}}
  providers:
    a: {base_url: 'https://a.example'}
    b: {base_url: 'https://b.example'}
    near: {base_url: 'http://127.0.0.1:1'}
    local: {base_url: 'http://localhost'}
    asked: {base_url: 'http://127.0.0.1:1', quota: deepseek}
    off: {base_url: 'https://a.example', quota: none}
";
        let config = Config::from_yaml("gateway.yaml", yaml, &Env::empty()).unwrap();
        let names = config.quota_names();
        for (provider, expected) in [
            ("a", &["codex", "a"][..]),
            ("b", &["b"]),
            ("near", &["nearby"]),
            ("local", &[]),
            ("asked", &["asked"]),
            ("off", &[]),
        ] {
            assert_eq!(names[provider], expected, "{provider}");
        }
    }
}
