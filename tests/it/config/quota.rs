//! The settings of quota sources.

use insta::assert_snapshot;
use switchtower::config::{Codexbar, Config, Env, Probe, Quota};

use super::{accepted, refused::refused};

fn codexbar(yaml: &str) -> Option<Codexbar> {
    accepted(yaml).models.quota.codexbar
}

#[test]
fn what_is_said_and_the_rest_by_default() {
    let quota = accepted("models: {quota: {map: {a: b}, full_percent: 80}}").models.quota;
    assert_eq!((quota.full_percent, quota.map.len(), quota.map["a"].as_str()), (80.0, 1, "b"));
    assert!(accepted("models: {quota: {map: {}}}").models.quota.map.is_empty());
    assert_eq!(Quota::default().map["openai"], "codex");
    let own = Codexbar { command: "/opt/cb".into(), ttl_s: 1, timeout_s: 600 };
    let text = "models: {quota: {codexbar: {command: /opt/cb, ttl_s: 1, timeout_s: 600}}}";
    assert_eq!(codexbar(text), Some(own));
    assert_eq!(codexbar("models: {quota: {codexbar: {}}}"), Some(Codexbar::default()));
    assert_eq!(codexbar("models: {quota: {codexbar: {enabled: false, ttl_s: 7}}}"), None);
    assert_eq!(codexbar("models: {quota: {codexbar: }}"), None, "nothing is said of it");
}

#[cfg(unix)]
#[test]
fn it_is_used_where_it_is_installed() {
    use std::{fs, os::unix::fs::PermissionsExt};

    let [empty, installed] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let program = installed.path().join("codexbar");
    fs::write(&program, "").unwrap();
    let path = std::env::join_paths([empty.path(), installed.path()]).unwrap();
    let env = Env::fixed([("PATH", path.to_str().unwrap())]);
    let read = |text: &str| Config::from_yaml("t", text, &env).unwrap().models.quota.codexbar;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(read(""), None, "it is no program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(read(""), Some(Codexbar::default()));
    assert_eq!(read("models: {quota: {map: {}}}"), Some(Codexbar::default()));
    assert_eq!(read("models: {quota: {codexbar: {enabled: false}}}"), None);
}

#[test]
fn a_balance_is_known_by_the_host_or_said() {
    let probe = |provider: &str| {
        let text = format!("models: {{providers: {{p: {{api_key: k, base_url: {provider}}}}}}}");
        accepted(&text).models.providers["p"].probe
    };
    for (provider, expected) in [
        ("https://api.deepseek.com/v1", Probe::Deepseek),
        ("https://API.DeepSeek.com", Probe::Deepseek),
        ("https://openrouter.ai/api/v1", Probe::Openrouter),
        ("https://openrouter.ai.example/api/v1", Probe::Unknown),
        ("https://api.openai.com/v1", Probe::Unknown),
        ("http://127.0.0.1:1/v1, quota: openrouter", Probe::Openrouter),
        ("https://openrouter.ai/api/v1, quota: deepseek", Probe::Deepseek),
        ("https://openrouter.ai/api/v1, quota: none", Probe::None),
    ] {
        assert_eq!(probe(provider), expected, "{provider}");
    }
}

#[test]
fn what_is_wrong() {
    let text = "models:
  quota:
    codexbar: {command: '', ttl_s: 0, timeout_s: 601}
    map: {p: a, p: ' b'}
    full_percent: 0
  providers:
    p: {base_url: http://x, api_key: k}";
    assert_snapshot!(refused(text), @r"
    gateway.yaml:3:25: this command is empty
      3 |     codexbar: {command: '', ttl_s: 0, timeout_s: 601}
        |                         ^^

    gateway.yaml:3:36: `ttl_s` has to be from 1 to 86400
      3 |     codexbar: {command: '', ttl_s: 0, timeout_s: 601}
        |                                    ^

    gateway.yaml:3:50: `timeout_s` has to be from 1 to 600
      3 |     codexbar: {command: '', ttl_s: 0, timeout_s: 601}
        |                                                  ^^^

    gateway.yaml:4:17: the provider `p` is given twice
      4 |     map: {p: a, p: ' b'}
        |                 ^
      help: the first is on line 4

    gateway.yaml:4:20: this quota name begins or ends with a space
      4 |     map: {p: a, p: ' b'}
        |                    ^^^^

    gateway.yaml:5:19: `full_percent` has to be above 0, and at most 100
      5 |     full_percent: 0
        |                   ^
    ");
    assert_snapshot!(refused("models: {quota: {full_percent: .nan}}"), @r"
    gateway.yaml:1:32: `full_percent` has to be above 0, and at most 100
      1 | models: {quota: {full_percent: .nan}}
        |                                ^^^^
    ");
    assert_snapshot!(refused("models: {quota: {codexbar: false}}"), @r"
    gateway.yaml:1:28: expected `name: value` pairs
      1 | models: {quota: {codexbar: false}}
        |                            ^^^^^
    ");
    assert_snapshot!(refused("models: {providers: {p: {base_url: http://x, quota: codex}}}"), @r"
    gateway.yaml:1:53: `codex` is not a choice here
      1 | models: {providers: {p: {base_url: http://x, quota: codex}}}
        |                                                     ^^^^^
      help: the choices are: deepseek, openrouter, none
    ");
}

#[test]
fn a_map_of_nobody_is_odd() {
    let warnings = accepted("models: {quota: {map: {nobody: codex}}}").warnings;
    assert_eq!(warnings, ["the quota map names `nobody`, which is no provider"]);
    assert_eq!(accepted("models: {quota: {}}").warnings, [""; 0], "the default map names openai");
}
