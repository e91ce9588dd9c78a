//! Checks one provider.

use http::Uri;
use indexmap::IndexMap;
use switchtower_layers::{
    Dialect,
    observe::Malformed,
    responses::{MaxTokens, Options, Passes},
    route::Commit,
};

use super::{Checker, egress::General, quota::probe};
use crate::env::Resolved;
use crate::raw::{
    Entries, RawCommit, RawDialect, RawMalformed, RawMaxTokens, RawProvider, RawTimeouts, Text,
};
use crate::{Key, Models, Provider, Secret, Timeouts, trim_key};

impl Checker<'_> {
    /// `None` when there is no usable URL; that has been reported then.
    pub(super) fn provider(
        &mut self,
        name: &Text,
        raw: RawProvider,
        variables: &Resolved,
        defaults: &Models,
        general: General<'_>,
    ) -> Option<Provider> {
        if self.named("provider name", name.clone()).contains('/') {
            self.wrong(name, "a provider name has no `/`")
                .help("`provider/model` is how a client asks for one provider".to_owned());
        }
        let is_inline = raw.api_key.as_ref().is_some_and(|key| !key.value.trim().is_empty());
        let key_env = raw.api_key_env.as_ref().filter(|_| !is_inline).map(|env| env.value.clone());
        let key = self.key(raw.api_key, raw.api_key_env, variables);
        let models = self.list("model", raw.models);
        let aliases = self.aliases(raw.aliases);
        let raw_timeouts = raw.timeouts.unwrap_or_default();
        if let Some(total) = &raw_timeouts.total_ms {
            self.wrong(total, "a provider has no `total_ms`: it is for all attempts together")
                .help("set it in the `timeouts` of `models`".to_owned());
        }
        if let Some(hold) = &raw_timeouts.hold_ms {
            self.wrong(hold, "a provider has no `hold_ms`: it is for all attempts together")
                .help("set it in the `timeouts` of `models`".to_owned());
        }
        let passes = self.passes(raw.passes);
        let retry = self.retry(raw.retry, &defaults.retry);
        let raw_breaker = raw.circuit_breaker.unwrap_or_default();
        if let Some(scope) = &raw_breaker.scope {
            self.wrong(scope, "a provider has no `scope`: it is the same for all of them")
                .help("set it in the `circuit_breaker` of `models`".to_owned());
        }
        let circuit_breaker = self.circuit_breaker(&raw_breaker, defaults.circuit_breaker);
        let errors = self.error_rules(raw.errors);
        let Some(base_url) = &raw.base_url else {
            self.wrong(name, format!("the provider `{}` has no base_url", name.value))
                .help("add, for example, `base_url: https://api.deepseek.com/v1`".to_owned());
            return None;
        };
        let base_url = self.base_url(base_url)?;
        let passes = known_to_pass(&base_url, passes);
        let include_usage = raw.include_usage.unwrap_or(true);
        let is_enabled = raw.enabled.unwrap_or(true);
        let is_used = is_enabled && matches!(key, Key::Present(_));
        let proxy =
            self.proxy(&name.value, raw.proxy.as_ref(), &base_url, is_used, general.proxies);
        let ca = raw.ca.as_ref().filter(|_| is_enabled);
        let ca = ca.and_then(|file| self.authority(&name.value, file, &base_url, &proxy));
        Some(Provider {
            timeouts: timeouts(&raw_timeouts, general.timeouts, Timeouts::default_for(&base_url)),
            probe: probe(raw.quota, &base_url),
            base_url,
            key,
            key_env,
            models,
            aliases,
            dialect: raw.dialect.map_or(Dialect::Chat, dialect),
            include_usage,
            translation: Options {
                max_tokens: raw.max_tokens_field.map(max_tokens).unwrap_or_default(),
                verbosity: raw.verbosity.unwrap_or_default(),
                include_usage,
                passes,
            },
            enabled: is_enabled,
            commit: raw.commit.map(commit),
            retry,
            circuit_breaker,
            errors,
            proxy,
            ca,
            malformed: raw.malformed.map(malformed).unwrap_or_default(),
        })
    }

    /// The fields of Responses requests that it takes as they are.
    fn passes(&mut self, fields: Option<Vec<Text>>) -> Passes {
        let mut passes = Passes::default();
        for field in fields.unwrap_or_default() {
            match passes.and(field.value.trim()) {
                Some(more) => passes = more,
                None => {
                    let message = format!("`{}` is no field that can be passed on", field.value);
                    let help = format!("these are: {}", Passes::FIELDS.join(", "));
                    self.wrong(&field, message).help(help);
                }
            }
        }
        passes
    }

    /// Inline, else from the variable. What is wrong with a key is said without showing it.
    fn key(&mut self, inline: Option<Text>, env: Option<Text>, variables: &Resolved) -> Key {
        if let Some(env) = env.as_ref().filter(|env| !is_variable(&env.value)) {
            self.wrong(env, "this is not the name of an environment variable")
                .secret()
                .help("if it is the key itself, give it as `api_key`".to_owned());
            return Key::Missing { env: None };
        }
        if let Some(inline) = inline.filter(|key| !key.value.trim().is_empty()) {
            let key = trim_key(&inline.value);
            if let Some(variable) = reference(key) {
                self.wrong(&inline, "variables are not expanded in this file")
                    .help(format!("write `api_key_env: {variable}` instead"));
            } else if !fits_a_header(key) {
                self.wrong(&inline, "this key cannot be sent in a header").secret().help(
                    "it contains a line break or another character that no key has".to_owned(),
                );
            }
            return Key::Present(Secret::new(key));
        }
        let value = env.as_ref().and_then(|env| variables.get(&env.value)).map(trim_key);
        match (env, value) {
            (Some(env), Some(value)) if !value.trim().is_empty() => {
                if !fits_a_header(value) {
                    self.wrong(
                        &env,
                        format!("the key in {} cannot be sent in a header", env.value),
                    )
                    .help(
                        "it contains a line break or another character that no key has".to_owned(),
                    );
                }
                Key::Present(Secret::new(value))
            }
            (env, _) => Key::Missing { env: env.map(|env| env.value) },
        }
    }

    /// Aliases of one mapping; one lookup has to be enough.
    pub(super) fn aliases(&mut self, entries: Option<Entries<Text>>) -> IndexMap<String, String> {
        let entries = entries.map(|entries| entries.0).unwrap_or_default();
        self.unique("alias", entries.iter().map(|(alias, _)| alias));
        let aliases: IndexMap<_, _> =
            entries.iter().map(|(alias, real)| (alias.value.clone(), real.value.clone())).collect();
        for (alias, real) in entries {
            let alias = self.named("alias", alias);
            if alias == real.value {
                self.wrong(&real, format!("the alias `{alias}` points to itself"));
            } else if aliases.contains_key(&real.value) {
                let end = end_of_chain(&aliases, &real.value);
                self.wrong(&real, format!("`{}` is itself an alias", real.value)).help(
                    end.map_or_else(
                        || "these aliases go round in a circle".to_owned(),
                        |end| format!("point `{alias}` to `{end}`"),
                    ),
                );
            }
            self.named("model", real);
        }
        aliases
    }
}

/// OpenAI and Azure take these, which other providers refuse or ignore.
fn known_to_pass(base_url: &Uri, passes: Passes) -> Passes {
    const AZURE: [&str; 3] =
        [".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"];
    let host = base_url.host().unwrap_or_default().to_ascii_lowercase();
    let is_known = host == "api.openai.com" || AZURE.iter().any(|domain| host.ends_with(domain));
    let fields: &[&str] = if is_known { &["prompt_cache_key", "safety_identifier"] } else { &[] };
    fields.iter().fold(passes, |passes, field| passes.and(field).unwrap_or(passes))
}

fn max_tokens(raw: RawMaxTokens) -> MaxTokens {
    match raw {
        RawMaxTokens::MaxTokens => MaxTokens::MaxTokens,
        RawMaxTokens::MaxCompletionTokens => MaxTokens::MaxCompletionTokens,
    }
}

fn malformed(raw: RawMalformed) -> Malformed {
    match raw {
        RawMalformed::Fail => Malformed::Fail,
        RawMalformed::Skip => Malformed::Skip,
    }
}

fn dialect(raw: RawDialect) -> Dialect {
    match raw {
        RawDialect::Chat => Dialect::Chat,
        RawDialect::Responses => Dialect::Responses,
    }
}

/// The name that is no alias any more, unless there is none.
fn end_of_chain<'a>(aliases: &'a IndexMap<String, String>, start: &'a str) -> Option<&'a str> {
    let mut name = start;
    for _ in 0..aliases.len() {
        name = match aliases.get(name) {
            Some(next) => next,
            None => return Some(name),
        };
    }
    (!aliases.contains_key(name)).then_some(name)
}

pub(super) fn commit(raw: RawCommit) -> Commit {
    match raw {
        RawCommit::FirstToken => Commit::FirstToken,
        RawCommit::Headers => Commit::Headers,
        RawCommit::Complete => Commit::Complete,
    }
}

/// A provider's own, else those of all providers, else the defaults.
pub(super) fn timeouts(own: &RawTimeouts, general: &RawTimeouts, defaults: Timeouts) -> Timeouts {
    let ms = |own: Option<u64>, general: Option<u64>, default| own.or(general).unwrap_or(default);
    Timeouts {
        connect_ms: ms(own.connect_ms, general.connect_ms, defaults.connect_ms),
        headers_ms: ms(own.headers_ms, general.headers_ms, defaults.headers_ms),
        first_token_ms: ms(own.first_token_ms, general.first_token_ms, defaults.first_token_ms),
        idle_ms: ms(own.idle_ms, general.idle_ms, defaults.idle_ms),
    }
}

pub(super) fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The variable in `$NAME` or `${NAME}`.
fn reference(key: &str) -> Option<&str> {
    let name = key.strip_prefix('$')?;
    let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    is_variable(name).then_some(name)
}

fn fits_a_header(key: &str) -> bool {
    key.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Env};

    fn passes(url: &str, settings: &str) -> Result<Passes, String> {
        let yaml =
            format!("models: {{providers: {{p: {{base_url: '{url}', api_key: k{settings}}}}}}}");
        let config = Config::from_yaml("gateway.yaml", &yaml, &Env::empty());
        config
            .map(|config| config.models.providers["p"].translation.passes)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn openai_and_azure_get_their_cache_keys() {
        for (url, is_known) in [
            ("https://api.openai.com/v1", true),
            ("https://API.OpenAI.com/v1", true),
            ("https://mine.openai.azure.com/openai/v1", true),
            ("https://mine.cognitiveservices.azure.com/openai/v1", true),
            ("https://api.openai.com.example.test/v1", false),
            ("https://api.deepseek.com/v1", false),
        ] {
            let passes = passes(url, "").unwrap();
            for field in ["prompt_cache_key", "safety_identifier"] {
                assert_eq!(passes.has(field), is_known, "{url}");
            }
            assert!(!passes.has("metadata"));
        }
    }

    #[test]
    fn others_get_what_their_configuration_says() {
        let url = "https://llm.example.test/v1";
        let some = passes(url, ", passes: [prompt_cache_key, store]").unwrap();
        assert!(some.has("prompt_cache_key") && some.has("store") && !some.has("metadata"));
        let error = passes(url, ", passes: [temperature]").unwrap_err();
        assert!(error.contains("`temperature`") && error.contains("safety_identifier"), "{error}");
    }
}
