//! What a person reads when a file cannot be read: syntax and types, one at a time.

use insta::assert_snapshot;
use switchtower::config::{Config, Env};

use super::provider;

pub(crate) fn refused(text: &str) -> String {
    refused_with(text, &Env::empty())
}

pub(crate) fn refused_with(text: &str, env: &Env) -> String {
    Config::from_yaml("gateway.yaml", text, env).expect_err("it is wrong").to_string()
}

#[test]
fn unknown_setting() {
    assert_snapshot!(refused("host: 127.0.0.1\nprot: 3000"), @r"
    gateway.yaml:2:1: unknown setting `prot`
      2 | prot: 3000
        | ^^^^
      help: did you mean `port`?
    ");
    assert_snapshot!(refused(&provider("base_ulr: x")), @r"
    gateway.yaml:5:7: unknown setting `base_ulr`
      5 |       base_ulr: x
        |       ^^^^^^^^
      help: did you mean `base_url`?
    ");
    assert_snapshot!(refused("models:\n  timeouts: {total: 3}"), @r"
    gateway.yaml:2:14: unknown setting `total`
      2 |   timeouts: {total: 3}
        |              ^^^^^
      help: did you mean `total_ms`?
    ");
    assert_snapshot!(refused("bodyLimitMb: 3"), @r"
    gateway.yaml:1:1: unknown setting `bodyLimitMb`
      1 | bodyLimitMb: 3
        | ^^^^^^^^^^^
      help: did you mean `body_limit_mb`?
    ");
}

#[test]
fn wrong_type() {
    assert_snapshot!(refused("port: seventy"), @r"
    gateway.yaml:1:7: expected a whole number from 0 to 65535
      1 | port: seventy
        |       ^^^^^^^
    ");
    assert_snapshot!(refused("body_limit_mb: -1"), @r"
    gateway.yaml:1:16: expected a whole number, 0 or more
      1 | body_limit_mb: -1
        |                ^^
    ");
    assert_snapshot!(refused("port: [1]"), @r"
    gateway.yaml:1:7: expected a single value
      1 | port: [1]
        |       ^
    ");
    assert_snapshot!(refused("models:\n  fallback_chain: deepseek"), @r"
    gateway.yaml:2:19: expected a list, such as [a, b]
      2 |   fallback_chain: deepseek
        |                   ^^^^^^^^
    ");
    assert_snapshot!(refused("models:\n  providers: [deepseek]"), @r"
    gateway.yaml:2:14: expected `name: value` pairs
      2 |   providers: [deepseek]
        |              ^
    ");
    assert_snapshot!(refused("models:\n  fallback_chain: [a,\n    ]\nmodels: 3"), @r"
    gateway.yaml:4:1: `models` is given twice
      4 | models: 3
        | ^^^^^^
    ");
    assert_snapshot!(refused(&provider("enabled: maybe")), @r"
    gateway.yaml:5:16: expected true or false
      5 |       enabled: maybe
        |                ^^^^^
    ");
    assert_snapshot!(refused("models:\n  fallback_chain:\n    -\n"), @r"
    gateway.yaml:3:6: expected a value, found nothing
      3 |     -
        |      ^
    ");
}

#[test]
fn wrong_choice() {
    assert_snapshot!(refused("logLevel: inof"), @r"
    gateway.yaml:1:11: `inof` is not a choice here
      1 | logLevel: inof
        |           ^^^^
      help: did you mean `info`?
    ");
    assert_snapshot!(refused(&provider("dialect: anthropic")), @r"
    gateway.yaml:5:16: `anthropic` is not a choice here
      5 |       dialect: anthropic
        |                ^^^^^^^^^
      help: the choices are: chat, responses
    ");
    assert_snapshot!(refused(&provider("malformed: drop")), @r"
    gateway.yaml:5:18: `drop` is not a choice here
      5 |       malformed: drop
        |                  ^^^^
      help: the choices are: fail, skip
    ");
    assert_snapshot!(refused("models: {commit: first-token}"), @r"
    gateway.yaml:1:18: `first-token` is not a choice here
      1 | models: {commit: first-token}
        |                  ^^^^^^^^^^^
      help: did you mean `first_token`?
    ");
    assert_snapshot!(refused("agents: [{id: a, type: proces}]"), @r"
    gateway.yaml:1:24: `proces` is not a choice here
      1 | agents: [{id: a, type: proces}]
        |                        ^^^^^^
      help: did you mean `process`?
    ");
}

#[test]
fn not_yaml() {
    assert_snapshot!(refused("host: 'open"), @r"
    gateway.yaml:1:7: unclosed quote
      1 | host: 'open
        |       ^
    ");
    assert_snapshot!(refused("hello"), @r"
    gateway.yaml:1:1: expected `name: value` pairs
      1 | hello
        | ^^^^^
    ");
    assert_snapshot!(refused("models: {providers: {a: {base_url: x}"), @r"
    gateway.yaml:1:21: unclosed bracket '{'
      1 | models: {providers: {a: {base_url: x}
        |                     ^
    ");
    assert_snapshot!(refused("port: 1\n---\nport: 2"), @r"
    gateway.yaml:3:1: a second document begins here; the configuration is one document
      3 | port: 2
        | ^
    ");
    assert_snapshot!(refused("host: *nowhere"), @r"
    gateway.yaml:1:7: this anchor is not defined above
      1 | host: *nowhere
        |       ^
    ");
    assert_snapshot!(refused("host: \u{1b}[2J"), @r"
    gateway.yaml:1:7: unexpected character: `\u{1b}'
      1 | host: �[2J
        |       ^
    ");
}

#[test]
fn a_setting_given_twice() {
    assert_snapshot!(refused("port: 1\nhost: ::1\nport: 2"), @r"
    gateway.yaml:3:1: `port` is given twice
      3 | port: 2
        | ^^^^
    ");
    assert_snapshot!(refused(&provider("enabled: true\n      enabled: false")), @r"
    gateway.yaml:6:7: `enabled` is given twice
      6 |       enabled: false
        |       ^^^^^^^
    ");
    assert_snapshot!(refused("wsPort: 1\nport: 2\nws_port: 3"), @r"
    gateway.yaml:3:10: `wsPort` and `ws_port` are the same setting, given twice
      3 | ws_port: 3
        |          ^
      help: the first is on line 1
    ");
}

#[test]
fn a_wrong_anchored_value_is_marked_where_it_is_used() {
    assert_snapshot!(refused("dataDir: &x abc\nport: *x"), @r"
    gateway.yaml:2:7: expected a whole number from 0 to 65535
      2 | port: *x
        |       ^^
      help: the value comes from the anchor on line 1
    ");
    assert_snapshot!(refused("dataDir: &x abc\nmodels:\n  fallback_chain: [*x]"), @r"
    gateway.yaml:3:20: there is no provider `abc`
      3 |   fallback_chain: [*x]
        |                    ^^
    ");
}
