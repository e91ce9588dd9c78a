//! Client keys, TLS and limits.

use std::fs;

use insta::assert_snapshot;
use switchtower::config::{Config, ConnectionLimits, Env, Key, KeyHash, Scope};

use super::{accepted, refused::refused, refused::refused_with};

const KEY: &str = "st-0123456789abcdef0123";

fn hash(key: &str) -> String {
    KeyHash::of(key.as_bytes()).to_string()
}

#[test]
fn every_setting_of_a_key_is_read() {
    let text = format!(
        "auth:\n  keys:\n  - {{name: a, hash: '{}'}}\n  - {{name: b.c_D-9, key_env: KEY, \
         scopes: [admin, agents, admin], models: ['x*'], rate_limit: {{rpm: 3}}, \
         budget: {{tokens_per_day: 4}}}}\nhost: 0.0.0.0\n\
         tls: {{cert: c.pem, key: k.pem}}\n\
         limits: {{header_kb: 1, connections: 2, streams_per_client: 3, header_timeout_ms: 4, body_timeout_ms: 0}}",
        hash("one")
    );
    let env = Env::fixed([("KEY", KEY)]);
    let config = Config::from_yaml("gateway.yaml", &text, &env).unwrap_or_else(|e| panic!("{e}"));
    let names: Vec<_> = config.auth.keys.keys().collect();
    assert_eq!(names, ["a", "b.c_D-9"]);
    let (a, b) = (&config.auth.keys["a"], &config.auth.keys["b.c_D-9"]);
    assert_eq!((a.hash, &a.scopes[..]), (KeyHash::of(b"one"), &[Scope::Models][..]));
    assert!(a.models.is_none() && a.rate_limit.is_none());
    assert_eq!(
        (b.hash, &b.scopes[..]),
        (KeyHash::of(KEY.as_bytes()), &[Scope::Admin, Scope::Agents][..])
    );
    assert_eq!(b.models.as_deref(), Some(&["x*".to_owned()][..]));
    assert_eq!(b.rate_limit.map(|limit| (limit.rpm.get(), limit.burst.get())), Some((3, 3)));
    assert_eq!(config.models.budgets["b.c_D-9"].to_owned().iter().count(), 1);
    assert!(config.host.is_unspecified() && config.scheme() == "https");
    let tls = config.tls.as_ref().expect("TLS");
    assert_eq!((tls.cert.to_str(), tls.key.to_str()), (Some("c.pem"), Some("k.pem")));
    let limits = ConnectionLimits {
        header_kb: 1,
        connections: 2,
        streams_per_client: 3,
        header_timeout_ms: 4,
        body_timeout_ms: 0,
    };
    assert_eq!(config.limits, limits);
    assert_eq!(
        config.warnings,
        ["the models of the key `b.c_D-9` do not matter: it has no scope `models`"]
    );
    let told = format!("{config:?}");
    assert!(!told.contains(KEY) && !told.contains(&hash(KEY)[7..]), "{told}");
}

#[test]
fn what_is_odd_about_keys() {
    assert_eq!(
        accepted("auth: {keys: []}").warnings,
        ["`auth` has no keys: whoever reaches the gateway may use it"]
    );
    let keys = format!("auth: {{keys: [{{name: a, hash: '{}'}}]}}", hash("a"));
    assert_eq!(
        accepted(&format!("host: 192.168.0.7\n{keys}")).warnings,
        ["client keys go to 192.168.0.7 in plain text: add `tls`, or a proxy that has it"]
    );
    let behind = format!("host: 192.168.0.7\ntrusted_proxies: [192.168.0.1]\n{keys}");
    assert_eq!(accepted(&behind).warnings, [""; 0]);
    let budget = "models: {budgets: {a: {tokens_per_day: 1}}}";
    assert_eq!(accepted(&format!("{keys}\n{budget}")).warnings, [""; 0]);
}

#[test]
fn wrong_keys() {
    let good = hash("good");
    let text = format!(
        "auth:\n  keys:\n  - {{hash: '{good}'}}\n  - {{name: 127.0.0.1, hash: '{}'}}\n  \
         - {{name: default}}\n  - {{name: a b, hash: '{}', key_env: KEY}}\n  \
         - {{name: unset, key_env: UNSET}}\n  - {{name: short, key_env: SHORT}}\n  \
         - {{name: one, hash: '{good}'}}\n  - {{name: two, hash: '{good}'}}\n  \
         - {{name: one, hash: '{}', scopes: [], models: [], rate_limit: {{burst: 1}}, budget: {{}}}}\n",
        hash("1"),
        hash("2"),
        hash("3"),
    );
    let env = Env::fixed([("KEY", KEY), ("SHORT", "st-too-short")]);
    let told = refused_with(&text, &env);
    assert!(!told.contains("st-too-short"), "{told}");
    let lines: Vec<_> = told.lines().filter(|line| !line.contains(" | ")).collect();
    assert_snapshot!(lines.join("\n"), @r"
    gateway.yaml:3:5: this key has no name

    gateway.yaml:4:12: `127.0.0.1` is no name of a key
      help: it has 1 to 64 letters, digits and `._-`, and is no address and not `default`

    gateway.yaml:5:12: `default` is no name of a key
      help: it has 1 to 64 letters, digits and `._-`, and is no address and not `default`

    gateway.yaml:5:12: `default` has no key
      help: give one of `hash` and `key_env`; `switchtower key new` makes one

    gateway.yaml:6:12: `a b` is no name of a key
      help: it has 1 to 64 letters, digits and `._-`, and is no address and not `default`

    gateway.yaml:6:12: `a b` has two keys
      help: give one of `hash` and `key_env`; `switchtower key new` makes one

    gateway.yaml:7:28: UNSET is not set

    gateway.yaml:8:28: the key in SHORT has to be 20 visible characters or more
      help: `switchtower key new` makes a good one

    gateway.yaml:10:12: `two` and `one` are the same key

    gateway.yaml:11:12: the key `one` is given twice
      help: the first is on line 9

    gateway.yaml:11:12: `one` opens nothing
      help: the scopes are: models, agents, admin

    gateway.yaml:11:12: `one` may use no model
      help: leave `models` out for all of them

    gateway.yaml:11:12: the limit of `one` has no rpm
      help: add, for example, `rpm: 60`

    gateway.yaml:11:12: the budget of `one` has no limit
      help: add, for example, `tokens_per_day: 5000000`
    ");
}

/// Blanks come with a key from files and clipboards.
#[test]
fn blanks_around_a_key_are_no_part_of_it() {
    let auth = "auth: {keys: [{name: a, key_env: KEY}]}";
    for value in [format!(" {KEY} "), format!("\t{KEY}"), format!("{KEY}\u{a0}")] {
        let env = Env::fixed([("KEY", value)]);
        let config = Config::from_yaml("gateway.yaml", auth, &env).unwrap();
        assert_eq!(config.auth.keys["a"].hash, KeyHash::of(KEY.as_bytes()));
    }
    for blank in ["", "  ", "\t", "\u{a0}"] {
        let told = refused_with(auth, &Env::fixed([("KEY", blank)]));
        assert!(told.contains("KEY is not set"), "{blank:?}: {told}");
    }
    // A short one does not become longer by its blanks.
    let told = refused_with(auth, &Env::fixed([("KEY", "st-short              ")]));
    assert!(told.contains("20 visible characters"), "{told}");
    let told = refused_with(auth, &Env::fixed([("KEY", format!("{KEY}\n"))]));
    assert!(told.contains("20 visible characters") && !told.contains(KEY), "{told}");

    let provider =
        |key: &str| format!("models: {{providers: {{p: {{base_url: 'http://x', {key}}}}}}}");
    let env = |value: &str| Env::fixed([("P_KEY", value)]);
    let key = |text: &str, env: &Env| {
        let config = Config::from_yaml("gateway.yaml", text, env).unwrap();
        match &config.models.providers["p"].key {
            Key::Present(key) => Some(key.expose().to_owned()),
            Key::Missing { .. } => None,
        }
    };
    let by_name = provider("api_key_env: P_KEY");
    assert_eq!(key(&by_name, &env(" sk-1 ")).as_deref(), Some("sk-1"));
    assert_eq!(key(&by_name, &env("\tsk-1\u{a0}")).as_deref(), Some("sk-1"));
    assert_eq!(key(&by_name, &env(" \t ")), None);
    assert_eq!(key(&provider("api_key: ' sk-1 '"), &Env::empty()).as_deref(), Some("sk-1"));
    assert_eq!(key(&provider("api_key: ' '"), &Env::empty()), None);
    for broken in ["sk-1\n", " sk-1\r\n", "sk-1\nsk-2", "\nsk-1"] {
        let told = refused_with(&by_name, &env(broken));
        assert!(told.contains("the key in P_KEY cannot be sent in a header"), "{told}");
    }
}

/// A pasted key does not appear in the error.
#[test]
fn a_key_in_the_file_is_refused_and_not_shown() {
    for entry in [
        format!("{{name: a, key: {KEY}}}"),
        format!("{{name: a, hash: {KEY}}}"),
        format!("{{name: a, key: {KEY}, scope: [models]}}"),
        format!("{{name: 127.0.0.1, key: {KEY}}}"),
    ] {
        let told = refused(&format!("auth: {{keys: [{entry}]}}"));
        assert!(!told.contains(KEY), "{told}");
    }
    assert_snapshot!(refused(&format!("auth: {{keys: [{{name: a, key: {KEY}}}]}}")), @r"
    gateway.yaml:1:30: a client's key does not stand in this file
      help: give its `hash`, which `switchtower key hash` makes, or a `key_env`
    ");
}

#[test]
fn wrong_settings_around_keys() {
    assert_snapshot!(refused("auth: {keys: [{name: a, scopes: [model]}]}"), @r"
    gateway.yaml:1:34: `model` is not a choice here
      1 | auth: {keys: [{name: a, scopes: [model]}]}
        |                                  ^^^^^
      help: did you mean `models`?
    ");
    assert_snapshot!(refused("auth: {key: x}"), @r"
    gateway.yaml:1:8: unknown setting `key`
      1 | auth: {key: *}
        |        ^^^
      help: did you mean `keys`?
    ");
    assert_snapshot!(refused("tls: {cert: a}\nlimits: {header_kb: 257, connections: 0}"), @r"
    gateway.yaml:1:6: `tls` has no key
      1 | tls: {cert: a}
        |      ^
      help: it needs `cert` and `key`, two files of PEM

    gateway.yaml:2:21: `header_kb` has to be from 1 to 256
      2 | limits: {header_kb: 257, connections: 0}
        |                     ^^^

    gateway.yaml:2:39: `connections` has to be from 1 to 1000000
      2 | limits: {header_kb: 257, connections: 0}
        |                                       ^
    ");
    let twice = format!(
        "models: {{budgets: {{a: {{tokens_per_day: 1}}}}}}\n\
         auth: {{keys: [{{name: a, hash: '{}', budget: {{tokens_per_day: 2}}}}]}}",
        hash("a")
    );
    let told = refused(&twice);
    assert!(
        told.contains("`a` has two budgets") && told.contains("`budgets` of `models`"),
        "{told}"
    );
}

#[cfg(unix)]
#[test]
fn tls_files_are_found_beside_the_configuration() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let (path, key) = (directory.path().join("gateway.yaml"), directory.path().join("k.pem"));
    fs::write(&path, "tls: {cert: sub/c.pem, key: k.pem}").unwrap();
    fs::write(&key, "").unwrap();
    for (mode, odd) in [(0o600, false), (0o640, false), (0o644, true)] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let config = Config::load(&path).unwrap();
        let tls = config.tls.expect("TLS");
        assert_eq!((tls.cert, &tls.key), (directory.path().join("sub/c.pem"), &key));
        assert_eq!(config.warnings.len(), usize::from(odd), "{mode:o}: {:?}", config.warnings);
    }
    fs::write(&path, "tls: {cert: /etc/c.pem, key: k.pem}").unwrap();
    assert_eq!(Config::load(&path).unwrap().tls.unwrap().cert.to_str(), Some("/etc/c.pem"));
}

/// What the example only shows is right as well.
#[test]
fn the_example_of_keys_can_be_taken_over() {
    let example = include_str!("../../../gateway.example.yaml");
    let starts = ["# auth:", "#   keys:", "#     - {name:", "# tls:", "# limits:"];
    let shown = |line: &&str| starts.iter().any(|start| line.starts_with(start));
    let text: String =
        example.lines().filter(shown).map(|line| format!("{}\n", &line[2..])).collect();
    let env = Env::fixed([("CI_KEY", KEY), ("MY_KEY", "st-another-0123456789")]);
    let config = Config::from_yaml("gateway.yaml", &text, &env).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.auth.keys.len(), 3, "{text}");
    assert!(config.tls.is_some() && config.warnings.is_empty(), "{:?}", config.warnings);
    assert_eq!(config.limits, ConnectionLimits::default(), "it shows the defaults");
}
