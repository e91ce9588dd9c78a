//! What a person reads when settings do not go together: all of it at once.

use insta::assert_snapshot;
use switchtower::config::Env;

use super::{
    provider,
    refused::{refused, refused_with},
};

#[test]
fn everything_at_once() {
    let text = "\
host: 0.0.0.0
models:
  providers:
    deepseek: {base_url: api.deepseek.com/v1}
    openai: {base_url: https://api.openai.com/v1}
    openai: {base_url: https://api.openai.com/v1}
  fallback_chain: [deepsek, openai]
  model_routing:
    gpt-: [open_ai]
    gpt-: [openai]
routing:
  defaultAgent: claud-code
";
    assert_snapshot!(refused(text), @r"
    gateway.yaml:1:7: 0.0.0.0 would let others in: without client keys, the gateway only listens on loopback (127.0.0.1 or ::1)
      1 | host: 0.0.0.0
        |       ^^^^^^^
      help: add `auth.keys`; `switchtower key new` makes one

    gateway.yaml:4:26: a URL begins with http:// or https://
      4 |     deepseek: {base_url: api.deepseek.com/v1}
        |                          ^^^^^^^^^^^^^^^^^^^
      help: did you mean `https://api.deepseek.com/v1`?

    gateway.yaml:6:5: the provider `openai` is given twice
      6 |     openai: {base_url: https://api.openai.com/v1}
        |     ^^^^^^
      help: the first is on line 5

    gateway.yaml:7:20: there is no provider `deepsek`
      7 |   fallback_chain: [deepsek, openai]
        |                    ^^^^^^^
      help: did you mean `deepseek`?

    gateway.yaml:9:12: there is no provider `open_ai`
      9 |     gpt-: [open_ai]
        |            ^^^^^^^
      help: did you mean `openai`?

    gateway.yaml:10:5: the pattern `gpt-` is given twice
      10 |     gpt-: [openai]
         |     ^^^^
      help: the first is on line 9

    gateway.yaml:12:17: there is no agent `claud-code`
      12 |   defaultAgent: claud-code
         |                 ^^^^^^^^^^
      help: did you mean `claude-code`?
    ");
}

#[test]
fn server() {
    assert_snapshot!(refused("host: 192.168.0.7"), @r"
    gateway.yaml:1:7: 192.168.0.7 would let others in: without client keys, the gateway only listens on loopback (127.0.0.1 or ::1)
      1 | host: 192.168.0.7
        |       ^^^^^^^^^^^
      help: add `auth.keys`; `switchtower key new` makes one
    ");
    assert_snapshot!(refused("host: example.org\nport: 3000\nwsPort: 3000\nbody_limit_mb: 0"), @r"
    gateway.yaml:1:7: `example.org` is no IP address; write 127.0.0.1 or ::1
      1 | host: example.org
        |       ^^^^^^^^^^^

    gateway.yaml:3:9: `port` and `wsPort` are both 3000
      3 | wsPort: 3000
        |         ^^^^

    gateway.yaml:4:16: `body_limit_mb` has to be from 1 to 4096
      4 | body_limit_mb: 0
        |                ^
    ");
    assert_snapshot!(refused("wsPort: 3000"), @r"
    gateway.yaml:1:9: `port` and `wsPort` are both 3000
      1 | wsPort: 3000
        |         ^^^^
    ");
    assert_snapshot!(refused("trusted_proxies: [10.0.0.0/8, 10.0.0]\ndataDir: ''"), @r"
    gateway.yaml:1:31: `10.0.0` is no address and no network
      1 | trusted_proxies: [10.0.0.0/8, 10.0.0]
        |                               ^^^^^^
      help: write 10.0.0.7 or 10.0.0.0/8

    gateway.yaml:2:10: this directory is empty
      2 | dataDir: ''
        |          ^^
    ");
}

#[test]
fn timeouts() {
    assert_snapshot!(refused(&provider("timeouts: {idle_ms: 1, total_ms: 2}")), @r"
    gateway.yaml:5:40: a provider has no `total_ms`: it is for all attempts together
      5 |       timeouts: {idle_ms: 1, total_ms: 2}
        |                                        ^
      help: set it in the `timeouts` of `models`
    ");
    assert_snapshot!(refused(&provider("timeouts: {hold_ms: 2}")), @r"
    gateway.yaml:5:27: a provider has no `hold_ms`: it is for all attempts together
      5 |       timeouts: {hold_ms: 2}
        |                           ^
      help: set it in the `timeouts` of `models`
    ");
    assert_snapshot!(refused("models:\n  timeouts: {first_tokn_ms: 2}"), @r"
    gateway.yaml:2:14: unknown setting `first_tokn_ms`
      2 |   timeouts: {first_tokn_ms: 2}
        |              ^^^^^^^^^^^^^
      help: did you mean `first_token_ms`?
    ");
    assert_snapshot!(refused("models:\n  timeouts: {idle_ms: 2s}"), @r"
    gateway.yaml:2:23: expected a whole number, 0 or more
      2 |   timeouts: {idle_ms: 2s}
        |                       ^^
    ");
}

#[test]
fn retries() {
    let text = "models:\n  retry: {retryable_statuses: [99, 200, 503, 600], budget: 1.1}\n  providers:\n    p: {base_url: http://x, retry: {budget: .nan}}";
    assert_snapshot!(refused(text), @r"
    gateway.yaml:2:32: 99 is no HTTP status
      2 |   retry: {retryable_statuses: [99, 200, 503, 600], budget: 1.1}
        |                                ^^
      help: they go from 100 to 599

    gateway.yaml:2:36: 200 is a success: it is never retried
      2 |   retry: {retryable_statuses: [99, 200, 503, 600], budget: 1.1}
        |                                    ^^^

    gateway.yaml:2:46: 600 is no HTTP status
      2 |   retry: {retryable_statuses: [99, 200, 503, 600], budget: 1.1}
        |                                              ^^^
      help: they go from 100 to 599

    gateway.yaml:2:60: `budget` is a share of the requests, from 0 to 1
      2 |   retry: {retryable_statuses: [99, 200, 503, 600], budget: 1.1}
        |                                                            ^^^

    gateway.yaml:4:45: `budget` is a share of the requests, from 0 to 1
      4 |     p: {base_url: http://x, retry: {budget: .nan}}
        |                                             ^^^^
    ");
    assert_snapshot!(refused("models: {retry: {max_retrys: 2}}"), @r"
    gateway.yaml:1:18: unknown setting `max_retrys`
      1 | models: {retry: {max_retrys: 2}}
        |                  ^^^^^^^^^^
      help: did you mean `max_retries`?
    ");
    assert_snapshot!(refused("models: {retry: {max_retries: -1}}"), @r"
    gateway.yaml:1:31: expected a whole number from 0 to 4294967295
      1 | models: {retry: {max_retries: -1}}
        |                               ^^
    ");
    assert_snapshot!(refused("models: {retry: {budget: much}}"), @r"
    gateway.yaml:1:26: expected a number
      1 | models: {retry: {budget: much}}
        |                          ^^^^
    ");
}

#[test]
fn circuit_breakers() {
    assert_snapshot!(refused("models: {circuit_breaker: {half_open_max_requests: 0}}"), @r"
    gateway.yaml:1:52: `half_open_max_requests` has to be at least 1
      1 | models: {circuit_breaker: {half_open_max_requests: 0}}
        |                                                    ^
    ");
    assert_snapshot!(refused("models: {circuit_breaker: {scope: model}}"), @r"
    gateway.yaml:1:35: `model` is not a choice here
      1 | models: {circuit_breaker: {scope: model}}
        |                                   ^^^^^
      help: the choices are: target, provider
    ");
    assert_snapshot!(refused("models: {circuit_breaker: {reset_timeout: 3}}"), @r"
    gateway.yaml:1:28: unknown setting `reset_timeout`
      1 | models: {circuit_breaker: {reset_timeout: 3}}
        |                            ^^^^^^^^^^^^^
      help: did you mean `reset_timeout_ms`?
    ");
    assert_snapshot!(refused(&provider("circuit_breaker: {scope: provider}")), @r"
    gateway.yaml:5:32: a provider has no `scope`: it is the same for all of them
      5 |       circuit_breaker: {scope: provider}
        |                                ^^^^^^^^
      help: set it in the `circuit_breaker` of `models`
    ");
}

#[test]
fn rate_limits() {
    let text = "models:\n  rate_limit:\n    /v1/a: {rpm: 0, burst: 0}\n    v1/b: {rpm: 1}\n    /v1/*/c: {rpm: 1}\n    /v1/d: {burst: 1}\n    /v1/e:\n    /v1/a: {rpm: 1}";
    assert_snapshot!(refused(text), @r"
    gateway.yaml:3:18: `rpm` has to be at least 1
      3 |     /v1/a: {rpm: 0, burst: 0}
        |                  ^

    gateway.yaml:3:28: `burst` has to be at least 1
      3 |     /v1/a: {rpm: 0, burst: 0}
        |                            ^

    gateway.yaml:4:5: `v1/b` is no path: it has to begin with `/`
      4 |     v1/b: {rpm: 1}
        |     ^^^^
      help: write, for example, /v1/chat/completions or /v1/*

    gateway.yaml:5:5: a `*` can only be the end of a path
      5 |     /v1/*/c: {rpm: 1}
        |     ^^^^^^^

    gateway.yaml:6:5: the limit of `/v1/d` has no rpm
      6 |     /v1/d: {burst: 1}
        |     ^^^^^
      help: add, for example, `rpm: 60`

    gateway.yaml:7:5: the limit of `/v1/e` has no rpm
      7 |     /v1/e:
        |     ^^^^^
      help: add, for example, `rpm: 60`

    gateway.yaml:8:5: the path `/v1/a` is given twice
      8 |     /v1/a: {rpm: 1}
        |     ^^^^^
      help: the first is on line 3
    ");
    assert_snapshot!(refused("models: {rate_limit: {/v1/a: {rps: 1}}}"), @r"
    gateway.yaml:1:31: unknown setting `rps`
      1 | models: {rate_limit: {/v1/a: {rps: 1}}}
        |                               ^^^
      help: did you mean `rpm`?
    ");
    assert_snapshot!(refused("models: {rate_limit: {/v1/a: 60}}"), @r"
    gateway.yaml:1:30: expected `name: value` pairs
      1 | models: {rate_limit: {/v1/a: 60}}
        |                              ^^
    ");
}

#[test]
fn error_rules() {
    let text = provider(
        "errors:\n        - {status: 399, means: exhausted}\n        - {status: 400, means: credit}\n        \
         - {code: '', message: '*', means: refused}\n        - {means: refused}\n        - {status: 400}",
    );
    assert_snapshot!(refused(&text), @r"
    gateway.yaml:6:20: 399 is no status of an error
      6 |         - {status: 399, means: exhausted}
        |                    ^^^
      help: they go from 400 to 599

    gateway.yaml:7:32: `credit` is not a choice here
      7 |         - {status: 400, means: credit}
        |                                ^^^^^^
      help: the choices are: rate_limited, exhausted, refused, restricted, unknown_model, context_length, overloaded, unavailable, broken, proxy, client_error

    gateway.yaml:8:18: this code is empty: it would fit every error
      8 |         - {code: '', message: '*', means: refused}
        |                  ^^
      help: leave `code` out if it does not matter

    gateway.yaml:8:31: this message is empty: it would fit every error
      8 |         - {code: '', message: '*', means: refused}
        |                               ^^^
      help: leave `message` out if it does not matter

    gateway.yaml:9:11: this rule has no condition: every error would mean this
      9 |         - {means: refused}
        |           ^
      help: add a `status`, a `code` or a `message`

    gateway.yaml:10:11: this rule does not say what the error `means`
      10 |         - {status: 400}
         |           ^
      help: add, for example, `means: exhausted`
    ");
    assert_snapshot!(refused(&provider("errors: [{status: 400, mean: refused}]")), @r"
    gateway.yaml:5:30: unknown setting `mean`
      5 |       errors: [{status: 400, mean: refused}]
        |                              ^^^^
      help: did you mean `means`?
    ");
    assert_snapshot!(refused(&provider("errors: [{status: 400, means: contxt_length}]")), @r"
    gateway.yaml:5:37: `contxt_length` is not a choice here
      5 |       errors: [{status: 400, means: contxt_length}]
        |                                     ^^^^^^^^^^^^^
      help: did you mean `context_length`?
    ");
    assert_snapshot!(refused(&provider("errors: refused")), @r"
    gateway.yaml:5:15: expected a list, such as [a, b]
      5 |       errors: refused
        |               ^^^^^^^
    ");
}

#[test]
fn base_urls() {
    let bad = |url: &str| refused(&format!("models: {{providers: {{p: {{base_url: '{url}'}}}}}}"));
    assert_snapshot!(bad("localhost:11434/v1"), @r"
    gateway.yaml:1:36: a URL begins with http:// or https://
      1 | models: {providers: {p: {base_url: 'localhost:11434/v1'}}}
        |                                    ^^^^^^^^^^^^^^^^^^^^
      help: did you mean `http://localhost:11434/v1`?
    ");
    assert_snapshot!(bad("ftp://example.org"), @r"
    gateway.yaml:1:36: `ftp` is not a scheme for a URL here
      1 | models: {providers: {p: {base_url: 'ftp://example.org'}}}
        |                                    ^^^^^^^^^^^^^^^^^^^
      help: write http:// or https://
    ");
    assert_snapshot!(bad("https://me:hunter2@example.org/v1"), @r"
    gateway.yaml:1:36: a URL here has no user and no password
      help: put the key into api_key_env or api_key
    ");
    assert_snapshot!(bad("https://example.org/v1?key=hunter2"), @"gateway.yaml:1:36: a URL here has no `?` and no `#`");
    assert_snapshot!(bad("https:///v1"), @r"
    gateway.yaml:1:36: `https:///v1` is not a URL
      1 | models: {providers: {p: {base_url: 'https:///v1'}}}
        |                                    ^^^^^^^^^^^^^
      help: write, for example, https://api.deepseek.com/v1
    ");
    assert_snapshot!(bad("https://exa mple.org"), @r"
    gateway.yaml:1:36: `https://exa mple.org` is not a URL
      1 | models: {providers: {p: {base_url: 'https://exa mple.org'}}}
        |                                    ^^^^^^^^^^^^^^^^^^^^^^
      help: write, for example, https://api.deepseek.com/v1
    ");
    assert_snapshot!(bad("https://api.openai.com/v1/chat/completions"), @r"
    gateway.yaml:1:36: a base_url ends before `/chat/completions`
      1 | models: {providers: {p: {base_url: 'https://api.openai.com/v1/chat/completions'}}}
        |                                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      help: the gateway appends the path of each request
    ");
    assert_snapshot!(bad(""), @r"
    gateway.yaml:1:36: a URL begins with http:// or https://
      1 | models: {providers: {p: {base_url: ''}}}
        |                                    ^^
      help: write, for example, https://api.deepseek.com/v1
    ");
    assert_snapshot!(refused("models:\n  providers:\n    p:\n"), @r"
    gateway.yaml:3:5: the provider `p` has no base_url
      3 |     p:
        |     ^
      help: add, for example, `base_url: https://api.deepseek.com/v1`
    ");
}

#[test]
fn names() {
    let text = "models:\n  providers:\n    a/b: {base_url: http://x}\n    '': {base_url: http://x}\n  default_model: ' m'\n  model_routing: {'': ['']}";
    assert_snapshot!(refused(text), @r"
    gateway.yaml:3:5: a provider name has no `/`
      3 |     a/b: {base_url: http://x}
        |     ^^^
      help: `provider/model` is how a client asks for one provider

    gateway.yaml:4:5: this provider name is empty
      4 |     '': {base_url: http://x}
        |     ^^

    gateway.yaml:5:18: this model begins or ends with a space
      5 |   default_model: ' m'
        |                  ^^^^

    gateway.yaml:6:19: this pattern is empty
      6 |   model_routing: {'': ['']}
        |                   ^^

    gateway.yaml:6:24: this provider is empty
      6 |   model_routing: {'': ['']}
        |                        ^^
    ");
}

#[test]
fn aliases() {
    assert_snapshot!(refused("models: {model_aliases: {a: a}}"), @r"
    gateway.yaml:1:29: the alias `a` points to itself
      1 | models: {model_aliases: {a: a}}
        |                             ^
    ");
    assert_snapshot!(refused("models:\n  model_aliases:\n    a: b\n    b: c\n    c: d"), @r"
    gateway.yaml:3:8: `b` is itself an alias
      3 |     a: b
        |        ^
      help: point `a` to `d`

    gateway.yaml:4:8: `c` is itself an alias
      4 |     b: c
        |        ^
      help: point `b` to `d`
    ");
    assert_snapshot!(refused("models:\n  model_aliases:\n    a: b\n    b: a"), @r"
    gateway.yaml:3:8: `b` is itself an alias
      3 |     a: b
        |        ^
      help: these aliases go round in a circle

    gateway.yaml:4:8: `a` is itself an alias
      4 |     b: a
        |        ^
      help: these aliases go round in a circle
    ");
    assert_snapshot!(refused(&provider("aliases: {a: b, a: c}")), @r"
    gateway.yaml:5:23: the alias `a` is given twice
      5 |       aliases: {a: b, a: c}
        |                       ^
      help: the first is on line 5
    ");
}

#[test]
fn keys() {
    let bad = |value: &str| {
        refused_with(&provider("api_key_env: MY_KEY"), &Env::fixed([("MY_KEY", value)]))
    };
    assert_snapshot!(bad("sk-secret\n"), @r"
    gateway.yaml:5:20: the key in MY_KEY cannot be sent in a header
      5 |       api_key_env: MY_KEY
        |                    ^^^^^^
      help: it contains a line break or another character that no key has
    ");
    assert_eq!(bad("sk-secret\n"), bad("“sk-secret”"));
    assert_snapshot!(refused(&provider("api_key: \"sk-secret\\n\"")), @r"
    gateway.yaml:5:16: this key cannot be sent in a header
      help: it contains a line break or another character that no key has
    ");
    assert_snapshot!(refused(&provider("api_key: ${OPENAI_API_KEY}")), @r"
    gateway.yaml:5:16: variables are not expanded in this file
      5 |       api_key: ****************}
        |                ^^^^^^^^^^^^^^^^^
      help: write `api_key_env: OPENAI_API_KEY` instead
    ");
    assert_snapshot!(refused(&provider("api_key_env: sk-secret")), @r"
    gateway.yaml:5:20: this is not the name of an environment variable
      help: if it is the key itself, give it as `api_key`
    ");
    assert_snapshot!(refused("models: {providers: {p: {api_key: sk-secret, base_ulr: x}}}"), @r"
    gateway.yaml:1:46: unknown setting `base_ulr`
      1 | models: {providers: {p: {api_key: *********, base_ulr: x}}}
        |                                              ^^^^^^^^
      help: did you mean `base_url`?
    ");
    assert_snapshot!(refused(&provider("api_kye: sk-secret")), @r"
    gateway.yaml:5:7: unknown setting `api_kye`
      help: did you mean `api_key`?
    ");
    assert!(!refused(&provider("bearer: sk-secret")).contains("sk-secret"));
}

#[test]
fn agents_and_rules() {
    let text = "\
agents:
  - {id: mine, type: process}
  - {id: mine, type: http, endpoint: here}
  - {id: claude-code, type: claude-code, command: claude}
  - {name: Nobody, type: codex}
  - {id: untyped}
routing:
  rules:
    - {name: a, keywords: [x], agent: mein}
    - {name: a, keywords: [x], agents: [codex, mine]}
    - {name: b, keywords: [''], strategy: broadcast, agent: gemini}
    - {keywords: [x], agent: aider}
";
    assert_snapshot!(refused(text), @r"
    gateway.yaml:2:5: the process agent `mine` has no command
      2 |   - {id: mine, type: process}
        |     ^

    gateway.yaml:3:10: the agent `mine` is given twice
      3 |   - {id: mine, type: http, endpoint: here}
        |          ^^^^
      help: the first is on line 2

    gateway.yaml:3:38: a URL begins with http:// or https://
      3 |   - {id: mine, type: http, endpoint: here}
        |                                      ^^^^
      help: write, for example, https://api.deepseek.com/v1

    gateway.yaml:5:5: this agent has no id
      5 |   - {name: Nobody, type: codex}
        |     ^

    gateway.yaml:6:5: the agent `untyped` has no type
      6 |   - {id: untyped}
        |     ^
      help: the types are: claude-code, openclaw, codex, process, http

    gateway.yaml:9:39: there is no agent `mein`
      9 |     - {name: a, keywords: [x], agent: mein}
        |                                       ^^^^
      help: the agents are: mine, claude-code, untyped, codex, gemini, openclaw, aider

    gateway.yaml:10:7: the rule `a` needs one `agent`
      10 |     - {name: a, keywords: [x], agents: [codex, mine]}
         |       ^
      help: for several, write `strategy: broadcast` with `agents`

    gateway.yaml:10:14: the rule `a` is given twice
      10 |     - {name: a, keywords: [x], agents: [codex, mine]}
         |              ^
      help: the first is on line 9

    gateway.yaml:11:7: the rule `b` broadcasts and needs `agents`
      11 |     - {name: b, keywords: [''], strategy: broadcast, agent: gemini}
         |       ^
      help: for one, leave `strategy` out and write `agent`

    gateway.yaml:12:7: this rule has no name
      12 |     - {keywords: [x], agent: aider}
         |       ^
    ");
}

#[test]
fn agents_settings() {
    let text = "\
agents:
  - {id: a b, type: process, command: ''}
  - {id: gateway, type: http, endpoint: http://10.0.0.1, command: x, args: [y], input: stdin, env: {A: b}}
  - {id: c, type: codex, endpoint: http://127.0.0.1, timeout: 0}
  - {id: d, type: codex, env: {sk-secret: v, A: sk-secret, A: w}}
tasks: {slots: 0, queue: 0, timeout: 999999999, output_limit_kb: 0, keep: 0}
";
    assert_snapshot!(refused(text), @r"
    gateway.yaml:2:10: an agent's id has only letters, digits, `.`, `_` and `-`
      2 |   - {id: a b, type: process, command: ''}
        |          ^^^

    gateway.yaml:2:39: this command is empty
      2 |   - {id: a b, type: process, command: ''}
        |                                       ^^

    gateway.yaml:3:10: `gateway` is no agent: as a task's target it lets the rules decide
      3 |   - {id: gateway, type: http, endpoint: http://10.0.0.1, command: x, args: [y], input: std ...
        |          ^^^^^^^

    gateway.yaml:3:41: this endpoint is not on this machine
      3 |   - {id: gateway, type: http, endpoint: http://10.0.0.1, command: x, args: [y], input: std ...
        |                                         ^^^^^^^^^^^^^^^
      help: write 127.0.0.1 or localhost, or set `allow_remote_agents: true`

    gateway.yaml:3:67: `command` is for agents that run a program
      3 | ... e: http, endpoint: http://10.0.0.1, command: x, args: [y], input: stdin, env: {A: *}}
        |                                                  ^

    gateway.yaml:3:77: `args` is for agents that run a program
      3 | ... ndpoint: http://10.0.0.1, command: x, args: [y], input: stdin, env: {A: *}}
        |                                                  ^

    gateway.yaml:3:88: `input` is for agents that run a program
      3 | ... tp://10.0.0.1, command: x, args: [y], input: stdin, env: {A: *}}
        |                                                  ^^^^^

    gateway.yaml:3:101: `env` is for agents that run a program
      3 | ... , command: x, args: [y], input: stdin, env: {A: *}}
        |                                                  ^

    gateway.yaml:4:36: `endpoint` is for agents that are of type http
      4 |   - {id: c, type: codex, endpoint: http://127.0.0.1, timeout: 0}
        |                                    ^^^^^^^^^^^^^^^^

    gateway.yaml:4:63: `timeout` has to be from 1 to 604800
      4 |   - {id: c, type: codex, endpoint: http://127.0.0.1, timeout: 0}
        |                                                               ^

    gateway.yaml:5:32: this is not the name of an environment variable

    gateway.yaml:5:60: the variable `A` is given twice
      5 |   - {id: d, type: codex, env: {sk-secret: *, A: *********, A: *}}
        |                                                            ^
      help: the first is on line 5

    gateway.yaml:6:16: `slots` has to be from 1 to 256
      6 | tasks: {slots: 0, queue: 0, timeout: 999999999, output_limit_kb: 0, keep: 0}
        |                ^

    gateway.yaml:6:26: `queue` has to be from 1 to 1000000
      6 | tasks: {slots: 0, queue: 0, timeout: 999999999, output_limit_kb: 0, keep: 0}
        |                          ^

    gateway.yaml:6:38: `timeout` has to be from 1 to 604800
      6 | tasks: {slots: 0, queue: 0, timeout: 999999999, output_limit_kb: 0, keep: 0}
        |                                      ^^^^^^^^^

    gateway.yaml:6:66: `output_limit_kb` has to be from 1 to 65536
      6 | tasks: {slots: 0, queue: 0, timeout: 999999999, output_limit_kb: 0, keep: 0}
        |                                                                  ^

    gateway.yaml:6:75: `keep` has to be from 1 to 10000000
      6 | tasks: {slots: 0, queue: 0, timeout: 999999999, output_limit_kb: 0, keep: 0}
        |                                                                           ^
    ");
    assert_snapshot!(refused("agents: [{id: a, type: codex, input: pipe}]"), @r"
    gateway.yaml:1:38: `pipe` is not a choice here
      1 | agents: [{id: a, type: codex, input: pipe}]
        |                                      ^^^^
      help: the choices are: stdin, argument
    ");
    assert_snapshot!(refused("agents: [{id: a, type: codex, max_concurrent: 257}]"), @r"
    gateway.yaml:1:47: `max_concurrent` has to be from 1 to 256
      1 | agents: [{id: a, type: codex, max_concurrent: 257}]
        |                                               ^^^
    ");
    assert_snapshot!(refused("agents: [{id: a, type: codex, envs: {A: b}}]"), @r"
    gateway.yaml:1:31: unknown setting `envs`
      1 | agents: [{id: a, type: codex, envs: {A: b}}]
        |                               ^^^^
      help: did you mean `env`?
    ");
    assert_snapshot!(refused("tasks: {slot: 3}"), @r"
    gateway.yaml:1:9: unknown setting `slot`
      1 | tasks: {slot: 3}
        |         ^^^^
      help: did you mean `slots`?
    ");
}

#[test]
fn nothing_cannot_be_remembered() {
    assert_snapshot!(refused("responses: {max_entries: 0, max_mb: 9999999, expire_days: 0}"), @r"
    gateway.yaml:1:26: `max_entries` has to be from 1 to 1000000000
      1 | responses: {max_entries: 0, max_mb: 9999999, expire_days: 0}
        |                          ^

    gateway.yaml:1:37: `max_mb` has to be from 1 to 1048576
      1 | responses: {max_entries: 0, max_mb: 9999999, expire_days: 0}
        |                                     ^^^^^^^

    gateway.yaml:1:59: `expire_days` has to be from 1 to 36500
      1 | responses: {max_entries: 0, max_mb: 9999999, expire_days: 0}
        |                                                           ^
    ");
}
