//! Client keys, TLS, and what one client may hold.

use serde_saphyr::Spanned;

use super::Checker;
use crate::auth::is_key_name;
use crate::env::Resolved;
use crate::error::SourcePosition;
use crate::raw::{RawAuth, RawAuthKey, RawLimits, RawTls, Text};
use crate::{Auth, AuthKey, Config, ConnectionLimits, KeyHash, Models, Scope, Tls, trim_key};

/// A shorter key may be guessed: 20 random characters are more than 100 bits.
const SHORTEST_KEY: usize = 20;

impl Checker<'_> {
    /// The keys. A budget of one's own goes to those of `models`.
    pub(super) fn auth(&mut self, raw: RawAuth, models: &mut Models) -> Auth {
        let Some(raw) = raw.keys else { return Auth::default() };
        if raw.is_empty() {
            self.warnings.push("`auth` has no keys: whoever reaches the gateway may use it".into());
        }
        self.unique("key", raw.iter().filter_map(|key| key.value.name.as_ref()));
        let variables: Vec<&str> = raw
            .iter()
            .filter_map(|key| key.value.key_env.as_ref())
            .map(|env| env.value.as_str())
            .collect();
        let variables = self.env.resolve(&variables);
        for warning in &variables.warnings {
            if !self.warnings.contains(warning) {
                self.warnings.push(warning.clone());
            }
        }
        let mut auth = Auth::default();
        for key in raw {
            let Some((name, key)) = self.auth_key(key, &variables, models) else { continue };
            if let Some((other, _)) = auth.keys.iter().find(|(_, other)| other.hash == key.hash) {
                self.wrong(&name, format!("`{}` and `{other}` are the same key", name.value));
            }
            auth.keys.insert(name.value, key);
        }
        auth
    }

    /// `None` when it has no name or no hash; that has been reported then.
    fn auth_key(
        &mut self,
        raw: Spanned<RawAuthKey>,
        variables: &Resolved,
        models: &mut Models,
    ) -> Option<(Text, AuthKey)> {
        let place = SourcePosition::of(&raw);
        let raw = raw.value;
        let Some(name) = raw.name else {
            self.wrong_at(place, "this key has no name");
            return None;
        };
        self.key_name(&name);
        let hash = self.key_hash(&name, raw.hash, raw.key_env, raw.key, variables);
        let scopes = self.scopes(&name, raw.scopes);
        if let Some(patterns) = &raw.models {
            if patterns.is_empty() {
                self.wrong(&name, format!("`{}` may use no model", name.value))
                    .help("leave `models` out for all of them".to_owned());
            } else if !scopes.contains(&Scope::Models) {
                self.warnings.push(format!(
                    "the models of the key `{}` do not matter: it has no scope `models`",
                    name.value
                ));
            }
        }
        let patterns = raw.models.map(|patterns| self.list("pattern", Some(patterns)));
        let rate_limit = raw.rate_limit.map(|raw| self.requests(&name, raw));
        if let Some(raw) = raw.budget {
            if models.budgets.contains_key(&name.value) {
                self.wrong(&name, format!("`{}` has two budgets", name.value))
                    .help("the other one is in the `budgets` of `models`".to_owned());
            }
            let limits = self.budget(&name, raw, &models.prices);
            models.budgets.insert(name.value.clone(), limits);
        }
        Some((name, AuthKey { hash: hash?, scopes, models: patterns, rate_limit }))
    }

    fn key_name(&mut self, name: &Text) {
        if !is_key_name(&name.value) {
            self.wrong(name, format!("`{}` is no name of a key", name.value)).help(format!(
                "it has 1 to 64 letters, digits and `._-`, and is no address and not `{}`",
                Config::OTHERS
            ));
        }
    }

    /// What is wrong with a key is said without showing it.
    fn key_hash(
        &mut self,
        name: &Text,
        hash: Option<Text>,
        env: Option<Text>,
        key: Option<Text>,
        variables: &Resolved,
    ) -> Option<KeyHash> {
        if let Some(key) = key {
            self.wrong(&key, "a client's key does not stand in this file").secret().help(
                "give its `hash`, which `switchtower key hash` makes, or a `key_env`".to_owned(),
            );
            return None;
        }
        match (hash, env) {
            (Some(hash), None) => {
                let parsed = hash.value.parse::<KeyHash>();
                if let Err(error) = &parsed {
                    // It may be the key.
                    self.wrong(&hash, error.to_string())
                        .secret()
                        .help("`switchtower key hash` makes one from a key".to_owned());
                }
                parsed.ok()
            }
            (None, Some(env)) => {
                // A gateway that ignored it would admit all clients, or none.
                let value = variables.get(&env.value).map(trim_key);
                let Some(value) = value.filter(|value| !value.trim().is_empty()) else {
                    self.wrong(&env, format!("{} is not set", env.value));
                    return None;
                };
                if value.len() < SHORTEST_KEY || !value.chars().all(|c| c.is_ascii_graphic()) {
                    let message = format!(
                        "the key in {} has to be {SHORTEST_KEY} visible characters or more",
                        env.value
                    );
                    self.wrong(&env, message)
                        .help("`switchtower key new` makes a good one".to_owned());
                }
                Some(KeyHash::of(value.as_bytes()))
            }
            (hash, _) => {
                let what = if hash.is_some() { "two keys" } else { "no key" };
                self.wrong(name, format!("`{}` has {what}", name.value)).help(
                    "give one of `hash` and `key_env`; `switchtower key new` makes one".to_owned(),
                );
                None
            }
        }
    }

    fn scopes(&mut self, name: &Text, raw: Option<Vec<Spanned<Scope>>>) -> Vec<Scope> {
        let Some(raw) = raw else { return vec![Scope::Models] };
        if raw.is_empty() {
            self.wrong(name, format!("`{}` opens nothing", name.value))
                .help("the scopes are: models, agents, admin".to_owned());
        }
        let mut scopes = Vec::new();
        for Spanned { value: scope, .. } in raw {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }

    pub(super) fn tls(&mut self, raw: Spanned<RawTls>) -> Option<Tls> {
        let place = SourcePosition::of(&raw);
        let RawTls { cert, key } = raw.value;
        for (name, file) in [("cert", &cert), ("key", &key)] {
            if file.is_none() {
                self.wrong_at(place, format!("`tls` has no {name}"))
                    .help("it needs `cert` and `key`, two files of PEM".to_owned());
            }
        }
        Some(Tls { cert: self.directory(cert?), key: self.directory(key?) })
    }

    pub(super) fn limits_of_connections(&mut self, raw: RawLimits) -> ConnectionLimits {
        let defaults = ConnectionLimits::default();
        let mut within = |name: &str, raw: Option<Spanned<usize>>, default, most: usize| {
            let Some(raw) = raw else { return default };
            if !(1..=most).contains(&raw.value) {
                self.wrong(&raw, format!("`{name}` has to be from 1 to {most}"));
            }
            raw.value
        };
        ConnectionLimits {
            header_kb: within("header_kb", raw.header_kb, defaults.header_kb, 256),
            connections: within("connections", raw.connections, defaults.connections, 1_000_000),
            streams_per_client: within(
                "streams_per_client",
                raw.streams_per_client,
                defaults.streams_per_client,
                1_000_000,
            ),
            header_timeout_ms: raw.header_timeout_ms.unwrap_or(defaults.header_timeout_ms),
            body_timeout_ms: raw.body_timeout_ms.unwrap_or(defaults.body_timeout_ms),
        }
    }
}
