//! What the configuration is, and what it is edited to.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    house::{House, PROVIDERS_KEY},
    mix::Done,
};
use switchtower_testkit::clients::{Provider, Refused};

/// What is the same in all of them.
const HOUSE: &str = r#"
body_limit_mb: 1
logDir: ./logs
limits: {header_timeout_ms: 3000, body_timeout_ms: 1000}
auth: {keys: [{name: me, key_env: KEY, scopes: [models, agents, admin]}]}
tasks: {slots: 3, queue: 200, keep: 50}
responses: {max_entries: 50, max_mb: 1}
agents:
  - {id: cat, type: process, command: cat}
  - {id: hang, type: process, command: sh, args: ["-c", "sleep 1000 & sleep 1000"]}
"#;

fn models(providers: &[String], settings: &str) -> String {
    let timeouts = "timeouts: {connect_ms: 2000, first_token_ms: 20000}";
    let rest = "retry: {max_retries: 1, base_delay_ms: 10}, quota: {codexbar: {enabled: false}}";
    let breaker = "circuit_breaker: {failure_threshold: 6, reset_timeout_ms: 50}";
    let providers = providers.join(", ");
    format!(
        "{HOUSE}models: {{{timeouts}, {rest}, {breaker}, {settings} providers: {{{providers}}}}}\n"
    )
}

/// One that lists the model `m`.
fn provider(name: &str, url: &str, settings: &str) -> String {
    let key = format!("api_key: {PROVIDERS_KEY}{name}");
    format!("{name}: {{base_url: '{url}', {key}, models: [m]{settings}}}")
}

/// The one that fails comes first, then one that refuses connections.
fn three(good: &Provider, flaky: &Provider, down: &Refused) -> [String; 3] {
    // What is silent is given up quickly.
    let hurry = ", timeouts: {first_token_ms: 1000, idle_ms: 3000, headers_ms: 1000}";
    [
        provider("flaky", &flaky.base_url(), hurry),
        provider("down", &down.base_url(), ""),
        provider("good", &good.base_url(), ""),
    ]
}

pub(crate) fn base(good: &Provider, flaky: &Provider, down: &Refused) -> String {
    models(&three(good, flaky, down), "")
}

pub(crate) fn without_providers() -> String {
    models(&[], "")
}

/// Good ones and bad ones.
fn all(house: &House) -> Vec<String> {
    let House { good, flaky, down, .. } = house;
    let [first, second, third] = three(good, flaky, down);
    let base = base(good, flaky, down);
    let budget = "budgets: {default: {requests_per_day: 100000000}},";
    let limit = "rate_limit: {'/v1/*': {rpm: 6000000}},";
    vec![
        base.replace("api_key: sk-secret-", "api_key: sk-secret-new-"),
        models(&[first.clone(), third.clone()], "commit: complete,"),
        format!("{base}nonsense: 1\n"),
        models(&[second.clone(), first.clone(), third.clone()], budget),
        "models: [".to_owned(),
        models(std::slice::from_ref(&third), limit),
        models(&[first, second, third], "").replace("keep: 50", "keep: 40"),
        base,
    ]
}

/// One a second.
pub(crate) async fn go_on(house: &House, done: &Done) {
    let edits = all(house);
    for edit in edits.iter().cycle() {
        if done.is_over() {
            break;
        }
        house.edit(edit).await;
        done.add("edits of the configuration");
        sleep(Duration::from_secs(1)).await;
    }
}
