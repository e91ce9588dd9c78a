//! The providers: whether they have keys, can be reached, and take the keys.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use switchtower_layers::{classify::ResponseClass, exchange::UpstreamError};

use super::egress;
use super::finding::{Finding, Group, Level};
use crate::cli::config_source::Origin;
use crate::cli::reach::{self, Answer, Broken};
use crate::config::{Config, Key, Probe, Provider, Proxy, ProxySource, Secret, is_local};
use switchtower_platform::tls::Roots;

/// How long one of them may take; all are asked at once.
const LIMIT: Duration = Duration::from_secs(8);

/// What was found, and by how many seconds the clocks of those that answered are ahead.
pub(super) async fn look(
    origin: &Origin,
    config: &Config,
    offline: bool,
    roots: &Arc<Roots>,
) -> (Vec<Finding>, Vec<i64>) {
    let providers = &config.models.providers;
    let mut findings = match origin {
        // They are started with the gateway.
        Origin::Demo => return (Vec::new(), Vec::new()),
        Origin::File(_) => none_usable(config).into_iter().collect(),
        Origin::Builtin => Vec::new(),
    };
    let mut asked = Vec::new();
    for (name, provider) in providers {
        findings.extend(egress::look(name, provider));
        match &provider.key {
            Key::Missing { .. } if matches!(origin, Origin::Builtin) => {}
            Key::Present(key) if provider.enabled && !offline => {
                let (key, provider, roots) = (key.clone(), provider.clone(), roots.clone());
                let answer = tokio::spawn(async move { ask(&provider, &key, &roots).await });
                asked.push((name, answer));
            }
            _ => findings.push(unasked(name, provider)),
        }
    }
    let mut clocks = Vec::new();
    for (name, answer) in asked {
        let Ok(answer) = answer.await else { continue };
        clocks.extend(answer.as_ref().ok().and_then(|answer| answer.ahead));
        findings.push(judge(name, &providers[name], &answer));
    }
    (findings, clocks)
}

async fn ask(provider: &Provider, key: &Secret, roots: &Roots) -> Result<Answer, Broken> {
    let uri = format!("{}{}", base(provider), path(provider));
    let uri: Uri = uri.parse().map_err(|_| Broken::Answer(format!("{uri} is no URL")))?;
    let tls = roots
        .config(provider.ca.as_ref().map_or(&[], |ca| ca.certificates()))
        .map_err(|error| Broken::Tls(error.to_string()))?;
    reach::get(&uri, Some(key), provider.proxy.proxy(), &Arc::new(tls), LIMIT).await
}

fn base(provider: &Provider) -> String {
    provider.base_url.to_string().trim_end_matches('/').to_owned()
}

/// What only answers to a good key: everybody may list OpenRouter's models.
fn path(provider: &Provider) -> &'static str {
    match provider.probe {
        Probe::Openrouter => "/key",
        _ => "/models",
    }
}

fn none_usable(config: &Config) -> Option<Finding> {
    let providers = &config.models.providers;
    if providers.is_empty() {
        let next = "add one to `models.providers`; gateway.example.yaml shows how";
        return Some(Finding::warn(Group::Providers, "there are none, so no model answers", next));
    }
    let what = "none can be used: every request for a model is answered with 503";
    let next = "give one of them its key";
    let usable = providers.values().any(Provider::is_usable);
    (!usable).then(|| Finding::fail(Group::Providers, what, next))
}

fn unasked(name: &str, provider: &Provider) -> Finding {
    if !provider.enabled {
        return Finding::ok(Group::Providers, format!("{name}: is disabled"));
    }
    match provider.key_hint() {
        Some(hint) => {
            Finding::warn(Group::Providers, format!("{name}: has no key, and is skipped"), hint)
        }
        None => Finding::ok(Group::Providers, format!("{name}: has a key, which is not tried")),
    }
}

/// What an answer means, or that there was none.
fn judge(name: &str, provider: &Provider, answer: &Result<Answer, Broken>) -> Finding {
    let (level, what, next) = match answer {
        Ok(answer) => answered(provider, answer),
        Err(broken) => {
            let (what, next) = unanswered(provider, broken);
            (Level::Fail, what, Some(next))
        }
    };
    Finding { group: Group::Providers, level, what: format!("{name}: {what}"), next }
}

fn answered(provider: &Provider, answer: &Answer) -> (Level, String, Option<String>) {
    let status = answer.status;
    let meaning = ResponseClass::of_answer(status, Some(&UpstreamError::read(&answer.body)));
    let base_url = "see whether its `base_url` is right: most end in /v1";
    let (level, what, next) = match status.as_u16() {
        200..=299 if answer.is_page => {
            (Level::Fail, "answers with a web page".to_owned(), base_url.to_owned())
        }
        200..=299 => {
            let what = format!("answers in {} ms and takes the key", answer.took.as_millis());
            return (Level::Ok, what, None);
        }
        429 if meaning == ResponseClass::Exhausted => {
            (Level::Fail, "has no quota left (429)".to_owned(), "top it up".to_owned())
        }
        status if meaning == ResponseClass::Exhausted => {
            (Level::Fail, format!("has no credit left ({status})"), "top it up".to_owned())
        }
        status if matches!(status, 401 | 403) || meaning == ResponseClass::Refused => {
            let next = match &provider.key_env {
                Some(variable) => format!("put a valid one into {variable}"),
                None => "put a valid one into its `api_key`".to_owned(),
            };
            (Level::Fail, format!("refuses the key ({status})"), next)
        }
        404 | 405 => {
            let path = path(provider);
            (
                Level::Warn,
                format!("knows no {path} ({}), so the key is not tried", status.as_u16()),
                base_url.to_owned(),
            )
        }
        429 => {
            let next = "wait; if it stays so, ask less of it, by `models.rate_limit`";
            (Level::Warn, "is rate limited (429)".to_owned(), next.to_owned())
        }
        300..=399 => {
            (Level::Fail, format!("leads elsewhere ({})", status.as_u16()), base_url.to_owned())
        }
        500..=599 => {
            let next =
                "wait; its status page may say more. Requests go to others that have the model";
            (Level::Fail, format!("is not well: it answers {status}"), next.to_owned())
        }
        _ => (Level::Warn, format!("answers {status}"), base_url.to_owned()),
    };
    (level, what, Some(next))
}

fn unanswered(provider: &Provider, broken: &Broken) -> (String, String) {
    let url = &provider.base_url;
    let host = url.host().unwrap_or_default();
    let place = url.authority().map_or(host, |authority| authority.as_str());
    let start = || format!("start what listens on {place}, or correct its `base_url`");
    let firewall = "see whether its `base_url` is right, and whether a firewall is between";
    match broken {
        Broken::Proxy(why) => {
            let place = match provider.proxy.proxy().map(Proxy::source) {
                Some(source @ ProxySource::Variable { .. }) => source.to_string(),
                _ => ProxySource::Setting.to_string(),
            };
            let next = "its host, port, user and password; `proxy: none` uses no proxy";
            (why.clone(), format!("check {place}: {next}"))
        }
        Broken::Name(why) => (
            format!("the name {host} cannot be looked up: {why}"),
            "see whether its `base_url` is right, and whether this machine is online".to_owned(),
        ),
        Broken::Refused if is_local(url) => (format!("nobody listens on {place}"), start()),
        Broken::Refused => (format!("{place} refuses the connection"), firewall.to_owned()),
        Broken::Connection(why) => {
            let next = if is_local(url) { start() } else { firewall.to_owned() };
            (format!("{place} cannot be reached: {why}"), next)
        }
        Broken::Tls(why) => (
            format!("TLS with {place} fails: {why}"),
            "see whether it speaks https, and the clock is right; an authority of your own goes \
             into SSL_CERT_FILE, or into its `ca`"
                .to_owned(),
        ),
        Broken::Answer(why) => (
            format!("{place} is there, but does not answer: {why}"),
            "see whether its `base_url` is right, with http or https as it should be".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::StatusCode;

    use super::*;
    use crate::config::Env;

    fn provider(text: &str) -> Provider {
        let yaml = format!("models: {{providers: {{p: {{{text}}}}}}}");
        let env = Env::fixed([("P_KEY", "sk-1")]);
        let config = Config::from_yaml("c", &yaml, &env).unwrap_or_else(|e| panic!("{e}"));
        config.models.providers["p"].clone()
    }

    fn line(provider: &Provider, answer: &Result<Answer, Broken>) -> String {
        let Finding { level, what, next, .. } = judge("p", provider, answer);
        format!("{level} {what} → {}", next.unwrap_or_default())
    }

    #[test]
    fn what_each_answer_means() {
        let far = provider("base_url: 'https://far.example/v1', api_key_env: P_KEY");
        let says = |status, body: &'static str| {
            let status = StatusCode::from_u16(status).unwrap();
            let took = Duration::from_millis(12);
            let body = Bytes::from_static(body.as_bytes());
            let is_page = body.starts_with(b"<");
            line(&far, &Ok(Answer { status, took, ahead: None, is_page, body }))
        };
        for (status, body, said) in [
            (200, "{}", "ok p: answers in 12 ms and takes the key → "),
            (200, "<html>", "fail p: answers with a web page → see whether its `base_url`"),
            (301, "", "fail p: leads elsewhere (301) → see whether its `base_url`"),
            (401, "", "fail p: refuses the key (401) → put a valid one into P_KEY"),
            (402, "", "fail p: has no credit left (402) → top it up"),
            (
                403,
                r#"{"error": "Your team has used all available credits"}"#,
                "fail p: has no credit left (403) → top it up",
            ),
            (
                400,
                r#"[{"error": {"code": 400, "message": "API key not valid."}}]"#,
                "fail p: refuses the key (400) → put a valid one into P_KEY",
            ),
            (404, "", "warn p: knows no /models (404), so the key is not tried → see"),
            (418, "", "warn p: answers 418 I'm a teapot → see"),
            (429, "", "warn p: is rate limited (429) → wait"),
            (429, r#"{"error": {"code": "insufficient_quota"}}"#, "fail p: has no quota left"),
            (503, "", "fail p: is not well: it answers 503 Service Unavailable → wait"),
        ] {
            let line = says(status, body);
            assert!(line.starts_with(said), "{line}");
        }
    }

    #[test]
    fn what_failed_on_the_way() {
        let far = provider("base_url: 'https://far.example/v1', api_key: sk-1");
        let near = provider("base_url: 'http://127.0.0.1:11434/v1', api_key: sk-1");
        let why = || "why".to_owned();
        for (provider, broken, said) in [
            (&far, Broken::Name(why()), "the name far.example cannot be looked up: why → see"),
            (&far, Broken::Refused, "far.example refuses the connection → see"),
            (&near, Broken::Refused, "nobody listens on 127.0.0.1:11434 → start what listens"),
            (&far, Broken::Connection(why()), "far.example cannot be reached: why → see"),
            (&far, Broken::Tls(why()), "TLS with far.example fails: why → see whether it speaks"),
            (
                &far,
                Broken::Proxy("proxy p:1 answered 407".into()),
                "proxy p:1 answered 407 → check its `proxy`: ",
            ),
            (&near, Broken::Answer(why()), "127.0.0.1:11434 is there, but does not answer: why"),
        ] {
            let line = line(provider, &Err(broken));
            assert!(line.starts_with(&format!("fail p: {said}")), "{line}");
        }
    }

    #[test]
    fn openrouter_lists_its_models_to_anybody() {
        let router = provider("base_url: 'https://openrouter.ai/api/v1', api_key: sk-1");
        assert_eq!((path(&router), &*base(&router)), ("/key", "https://openrouter.ai/api/v1"));
        assert_eq!(path(&provider("base_url: 'https://a.example'")), "/models");
    }
}
