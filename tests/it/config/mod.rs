//! The configuration: what is accepted, and what a person reads when it is not.

mod any_text;
mod budgets;
mod contradictory;
mod documented;
mod egress;
mod keys;
mod quota;
mod refused;

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;
use switchtower::config::{
    AgentKind, CircuitBreaker, Codexbar, Config, Env, Input, Key, LogFormat, LogLevel, Models,
    Program, Quota, ResponseStore, Responses, Retry, Strategy, TasksConfig, Timeouts,
};
use switchtower_layers::{
    Dialect,
    circuit_breaker::Scope,
    classify::{ErrorRule, ErrorRules, ResponseClass},
    observe::Malformed,
    route::Commit,
};

/// The sample of the documentation, as it is printed there.
const SAMPLE: &str = include_str!("sample.yaml");

fn accepted(text: &str) -> Config {
    Config::from_yaml("gateway.yaml", text, &Env::empty()).unwrap_or_else(|error| panic!("{error}"))
}

/// A provider `p` with these settings besides its URL.
fn provider(settings: &str) -> String {
    format!("models:\n  providers:\n    p:\n      base_url: http://localhost/v1\n      {settings}")
}

fn key(config: &Config, name: &str) -> Option<String> {
    match &config.models.providers[name].key {
        Key::Present(secret) => Some(secret.expose().to_owned()),
        Key::Missing { .. } => None,
    }
}

#[test]
fn the_sample_is_read_unchanged() {
    let config = accepted(SAMPLE);
    assert_eq!(
        (config.host.to_string().as_str(), config.port, config.ws_port),
        ("127.0.0.1", 3000, Some(3001))
    );
    assert_eq!(config.log_level, LogLevel::Info);
    assert_eq!(config.log_dir, Some("./logs".into()));
    assert_eq!((config.log_format, config.log_bodies), (LogFormat::Text, false));
    let models = &config.models;
    assert_eq!(models.default_model.as_deref(), Some("deepseek-chat"));
    let names: Vec<_> = models.providers.keys().collect();
    assert_eq!(names, ["deepseek", "openai", "openrouter", "ollama"]);
    assert_eq!(models.providers["openai"].dialect, Dialect::Responses);
    assert_eq!(models.providers["deepseek"].dialect, Dialect::Chat);
    assert_eq!(models.providers["ollama"].aliases["gpt-5.5"], "qwen3:14b");
    assert_eq!(models.model_aliases["gpt-5.4"], "deepseek-chat");
    assert_eq!(models.fallback_chain, ["deepseek", "openrouter", "ollama"]);
    let patterns: Vec<_> = models.model_routing.iter().map(|(pattern, _)| pattern).collect();
    assert_eq!(patterns, ["deepseek", "gpt-", "o1", "claude"]);
    assert_eq!(models.model_routing[1].1, ["openai", "deepseek"]);
    assert_eq!(config.routing.rules[0].keywords, ["review", "代码审查"]);
    assert_eq!(config.routing.rules[0].strategy, Strategy::Single("claude-code".into()));
    assert!(matches!(&config.routing.rules[1].strategy, Strategy::Broadcast(a) if a.len() == 2));
    let (command, args) = ("my-cli".into(), vec!["--go".into()]);
    let process = AgentKind::Process(Program { command, args, input: Input::Stdin });
    assert_eq!(config.agents[1].kind, process);

    assert_eq!(key(&config, "ollama").as_deref(), Some("ollama"));
    assert_snapshot!(config.warnings.join("\n"), @r"
    provider `deepseek` has no key and is skipped: set DEEPSEEK_API_KEY
    provider `openai` has no key and is skipped: set OPENAI_API_KEY
    provider `openrouter` has no key and is skipped: set OPENROUTER_API_KEY
    ");
}

#[test]
fn the_example_file_says_the_same_as_the_sample() {
    let example = include_str!("../../../gateway.example.yaml");
    assert_eq!(format!("{:?}", accepted(example)), format!("{:?}", accepted(SAMPLE)));
    // What is commented out in it is right, too.
    let uncommented = example
        .replace("# drain_ms", "drain_ms")
        .replace("# commit:", "commit:")
        .replace("# timeouts:", "timeouts:")
        .replace("# retry:", "retry:")
        .replace("# responses:", "responses:")
        .replace("# tasks:", "tasks:")
        .replace("# allow_remote_agents:", "allow_remote_agents:")
        .replace("# circuit_breaker:", "circuit_breaker:");
    let uncommented = uncommented.lines().map(|line| match line.strip_prefix("  #   ") {
        Some(setting) if setting.contains("_ms: ") => format!("    {setting}\n"),
        _ => format!("{line}\n"),
    });
    let uncommented: String = uncommented.collect();
    assert_eq!(uncommented.matches("\n    connect_ms: ").count(), 1, "{uncommented}");
    assert_eq!(uncommented.matches("\n  retry: ").count(), 1);
    assert_eq!(uncommented.matches("\nresponses: ").count(), 1);
    assert_eq!(uncommented.matches("\ntasks: ").count(), 1);
    assert_eq!(uncommented.matches("\n  circuit_breaker: ").count(), 1);
    assert_eq!(format!("{:?}", accepted(&uncommented)), format!("{:?}", accepted(SAMPLE)));
    // These are off by default.
    let budgets =
        accepted(&uncommented.replace("# budgets:", "budgets:").replace("# prices:", "prices:"));
    let [prices, budgets] = budgets::read(&budgets);
    assert_eq!(prices, ["deepseek-chat: 270000000, 270000000, 1100000000"]);
    assert_eq!(budgets, ["default: 5000000 tokens per day, 50 USD per month"]);
    let limited = accepted(&uncommented.replace("# rate_limit:", "rate_limit:"));
    let limits = limited.models.rate_limit.iter();
    let limits: Vec<_> = limits.map(|(path, limit)| (&**path, limit.rpm, limit.burst)).collect();
    let [sixty, thirty] = [60, 30].map(|n| NonZeroU32::new(n).unwrap());
    assert_eq!(limits, [("/v1/chat/completions", sixty, sixty), ("/v1/responses", thirty, thirty)]);
    // Of this one, only the command is off where it is not installed.
    let quota = accepted(&uncommented.replace("# quota:", "quota:")).models.quota;
    assert_eq!(quota, Quota { codexbar: Some(Codexbar::default()), ..Quota::default() });
}

#[test]
fn nothing_is_the_default() {
    let default = format!("{:?}", Config::default());
    for empty in ["", "\n# nothing\n", "---\n", "~", "\u{feff}", "models:\nagents:\nhost:\n", "{}"]
    {
        assert_eq!(format!("{:?}", accepted(empty)), default, "{empty:?}");
    }
    let sparse = "models:\n  providers:\n  fallback_chain:\n  model_routing:\nrouting:\n  rules:\n";
    assert_eq!(format!("{:?}", accepted(sparse)), default);
}

#[test]
fn camel_case_settings_have_a_snake_case_twin() {
    let camel = "wsPort: 1\ndataDir: d\nlogDir: l\nlogLevel: warn\nlogFormat: json\nrouting: {defaultAgent: codex}";
    let snake = "ws_port: 1\ndata_dir: d\nlog_dir: l\nlog_level: warn\nlog_format: json\nrouting: {default_agent: codex}";
    assert_eq!(format!("{:?}", accepted(camel)), format!("{:?}", accepted(snake)));
    let config = accepted(snake);
    assert_eq!((config.log_level, config.log_format), (LogLevel::Warn, LogFormat::Json));
    assert_eq!(config.log_dir, Some("l".into()));
    assert_eq!(accepted(snake).ws_port, Some(1));
}

#[test]
fn values_are_read_kindly() {
    let config =
        accepted("host: localhost\nport: 0\nwsPort: 0\ntrusted_proxies: [10.0.0.7, 'fd00::/8']");
    assert!(config.host.is_loopback());
    assert_eq!(config.trusted_proxies[0].to_string(), "10.0.0.7/32");
    assert_eq!(config.trusted_proxies[1].to_string(), "fd00::/8");
    let config = accepted("host: ::1");
    assert!(config.host.is_ipv6());

    let home = Env::fixed([("HOME", "/home/me")]);
    let config = Config::from_yaml("gateway.yaml", "dataDir: ~/switchtower", &home).unwrap();
    assert_eq!(config.data_dir, Path::new("/home/me/switchtower"));

    let text = "models:\n  timeouts: {connect_ms: 7}\n  providers:\n    a: {base_url: https://a.example/v1/, api_key: 123}\n    b: {base_url: http://b, timeouts: {connect_ms: 0}, enabled: no}";
    let config = accepted(text);
    let providers = &config.models.providers;
    assert_eq!(providers["a"].base_url, "https://a.example/v1");
    assert_eq!(key(&config, "a").as_deref(), Some("123"));
    assert_eq!((providers["a"].timeouts.connect_ms, providers["b"].timeouts.connect_ms), (7, 0));
    assert!(!providers["b"].enabled);
    assert_eq!((config.models.commit, providers["b"].commit), (Commit::FirstToken, None));
    assert_eq!(config.warnings, [""; 0], "a disabled provider needs no key");
}

#[test]
fn a_provider_has_timeouts_and_a_commit_policy_of_its_own() {
    let config = accepted(
        "models:\n  commit: complete\n  timeouts: {headers_ms: 1, first_token_ms: 0, total_ms: 9, hold_ms: 8}\n  \
         providers:\n    a: {base_url: http://a, commit: headers, timeouts: {first_token_ms: 2, idle_ms: 3}}\n    \
         b: {base_url: http://b}",
    );
    let Models { commit, providers, timeouts, total_ms, hold_ms, .. } = &config.models;
    assert_eq!((*commit, *total_ms, *hold_ms), (Commit::Complete, 9, 8));
    let general = Timeouts { connect_ms: 5000, headers_ms: 1, first_token_ms: 0, idle_ms: 60_000 };
    assert_eq!((*timeouts, providers["b"].timeouts), (general, general));
    assert_eq!(providers["b"].commit, None);
    assert_eq!(providers["a"].timeouts, Timeouts { first_token_ms: 2, idle_ms: 3, ..general });
    assert_eq!(providers["a"].commit, Some(Commit::Headers));
}

#[test]
fn a_provider_has_retries_and_a_circuit_breaker_of_its_own() {
    let config = accepted(
        "models:\n  retry: {max_retries: 5, budget: 1}\n  \
         circuit_breaker: {failure_threshold: 0, scope: provider}\n  providers:\n    \
         a: {base_url: http://a, retry: {max_retries: 0, retryable_statuses: [529]}, circuit_breaker: {reset_timeout_ms: 7}}\n    \
         b: {base_url: http://b}",
    );
    let Models { retry, circuit_breaker, circuit_scope, providers, .. } = &config.models;
    assert_eq!(*circuit_scope, Scope::Provider);
    let general = Retry { max_retries: 5, budget: 1.0, ..Retry::default() };
    assert_eq!((retry, &providers["b"].retry), (&general, &general));
    let statuses = vec![529.try_into().unwrap()];
    let own = Retry { max_retries: 0, retryable_statuses: statuses, ..general };
    assert_eq!(providers["a"].retry, own);
    let general = CircuitBreaker { failure_threshold: 0, ..CircuitBreaker::default() };
    assert_eq!((*circuit_breaker, providers["b"].circuit_breaker), (general, general));
    let own = CircuitBreaker { reset_timeout_ms: 7, ..general };
    assert_eq!(providers["a"].circuit_breaker, own);
    assert_eq!(Config::default().models.circuit_scope, Scope::Target);
}

#[test]
fn a_provider_has_rules_for_its_errors() {
    let config = accepted(
        "models:\n  providers:\n    a: {base_url: http://a, errors: [{status: 400, code: 1113, message: 'a * b', means: exhausted}, \
         {code: x, means: rate_limited}]}\n    b: {base_url: http://b}",
    );
    let providers = &config.models.providers;
    let rules = [
        ErrorRule::new(ResponseClass::Exhausted).status(400).code("1113").message("a * b"),
        ErrorRule::new(ResponseClass::RateLimited(None)).code("x"),
    ];
    assert_eq!(providers["a"].errors, ErrorRules::from_iter(rules));
    assert!(providers["b"].errors.is_empty());
}

#[test]
fn a_provider_may_have_its_malformed_events_skipped() {
    let config = accepted(
        "models:\n  providers:\n    a: {base_url: http://a, malformed: skip}\n    \
         b: {base_url: http://b, malformed: fail}\n    c: {base_url: http://c}",
    );
    let malformed = config.models.providers.values().map(|provider| provider.malformed);
    assert!(malformed.eq([Malformed::Skip, Malformed::Fail, Malformed::Fail]));
}

#[test]
fn an_agent_is_run_as_its_program_usually_is_but_for_what_is_said() {
    let config = accepted(
        "agents:\n  - {id: a, type: claude-code, command: /opt/claude, timeout: 90, max_concurrent: 2}\n  \
         - {id: b, type: openclaw, args: [agent, --local]}\n  \
         - {id: c, type: codex, input: argument}\n  - {id: d, type: http, endpoint: 'http://[::1]:1/x'}",
    );
    let kinds: Vec<_> = config.agents.iter().map(|agent| agent.kind.clone()).collect();
    let claude = Program { command: "/opt/claude".into(), ..Program::claude_code() };
    let args = vec!["agent".into(), "--local".into()];
    let openclaw = Program { command: "openclaw".into(), args, input: Input::Argument };
    let codex = Program { input: Input::Argument, ..Program::codex() };
    assert_eq!(kinds[0], AgentKind::ClaudeCode(claude));
    assert_eq!(kinds[1], AgentKind::Openclaw(openclaw));
    assert_eq!(kinds[2], AgentKind::Codex(codex));
    assert!(matches!(&kinds[3], AgentKind::Http { endpoint } if endpoint.path() == "/x"));
    let timeouts: Vec<_> = config.agents.iter().map(|agent| agent.timeout).collect();
    assert_eq!(timeouts[..2], [Some(Duration::from_secs(90)), None]);
    let caps: Vec<_> = config.agents.iter().map(|agent| agent.max_concurrent).collect();
    assert_eq!(caps[..2], [Some(2), None]);
    let remote = "agents: [{id: a, type: http, endpoint: https://agent.example}]\n";
    let config = accepted(&format!("{remote}allow_remote_agents: true"));
    assert!(config.allow_remote_agents && config.agents.len() == 1);
}

#[test]
fn an_agents_variables_are_expanded_and_do_not_print() {
    let text = "agents:\n  - id: a\n    type: codex\n    env: {PLAIN: 1, KEY: 'k-${SECRET}-${SECRET}', \
                NONE: '${MISSING}', ODD: '$x ${} ${a b'}";
    let env = Env::fixed([("SECRET", "hush")]);
    let config = Config::from_yaml("gateway.yaml", text, &env).unwrap();
    let values: Vec<_> =
        config.agents[0].env.iter().map(|(name, value)| (&**name, value.expose())).collect();
    assert_eq!(values, [("PLAIN", "1"), ("KEY", "k-hush-hush"), ("ODD", "$x ${} ${a b")]);
    assert_eq!(
        config.warnings,
        ["line 4 sets NONE from MISSING, which is not set, so it is left out"]
    );
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn tasks_are_bounded() {
    let config = accepted("tasks: {slots: 2, timeout: 5, output_limit_kb: 8}");
    let own = TasksConfig {
        slots: 2,
        timeout: Duration::from_secs(5),
        output_limit: 8192,
        ..TasksConfig::default()
    };
    assert_eq!(config.tasks, own);
    assert_eq!((own.queue, own.keep), (1000, 10_000));
}

#[test]
fn what_is_remembered_is_bounded() {
    let config = accepted("responses: {store: memory, max_entries: 5}");
    let own = Responses { store: ResponseStore::Memory, max_entries: 5, ..Responses::default() };
    assert_eq!(config.responses, own);
    assert_eq!((own.max_mb, own.expire_days), (256, 30));
    assert_eq!(Responses::default().store, ResponseStore::Sqlite);
}

#[test]
fn a_rate_limit_that_never_applies_is_odd() {
    let text = "models: {rate_limit: {/v1/a: {rpm: 1}, /v1/a/: {rpm: 2}, '/v1/*': {rpm: 3, burst: 9}, /v1/b: {rpm: 4}, /health: {rpm: 5}, '/*': {rpm: 6}}}";
    assert_snapshot!(accepted(text).warnings.join("\n"), @r"
    the rate limit of `/v1/a/` is never used: `/v1/a` above it matches first
    the rate limit of `/v1/b` is never used: `/v1/*` above it matches first
    the rate limit of `/health` never applies: only calls to models are limited
    ");
}

#[test]
fn anchors_and_merges_work() {
    let config = accepted(
        "models:\n  providers:\n    a: &local {base_url: http://localhost/v1, api_key: k, models: [m]}\n    \
         b: *local\n    c: {<<: *local, dialect: responses}\n  fallback_chain: &all [a, b]\n  \
         model_routing: {m: *all}",
    );
    assert_eq!(config.models.providers["b"].models, ["m"]);
    assert_eq!(config.models.providers["c"].dialect, Dialect::Responses);
    assert_eq!(config.models.model_routing[0].1, ["a", "b"]);
}

#[test]
fn keys_come_from_the_environment_and_from_dotenv() {
    let text = provider("api_key_env: MY_KEY");
    let read = |env: &Env| Config::from_yaml("gateway.yaml", &text, env).unwrap();
    let files = tempfile::tempdir().unwrap();
    fs::write(files.path().join(".env"), "OTHER=x\nMY_KEY=from-file\noops\n").unwrap();

    let config = read(&Env::fixed([("MY_KEY", "from-process")]).with_dotenv(files.path()));
    assert_eq!(key(&config, "p").as_deref(), Some("from-process"));
    assert!(config.warnings.is_empty());

    let config = read(&Env::empty().with_dotenv(files.path()));
    assert_eq!(key(&config, "p").as_deref(), Some("from-file"));
    assert!(config.warnings[0].ends_with(".env:3 is not a NAME=value line and is ignored"));

    for nothing in ["", "  "] {
        let config = read(&Env::fixed([("MY_KEY", nothing)]));
        assert_eq!(key(&config, "p"), None);
        assert_eq!(config.warnings, ["provider `p` has no key and is skipped: set MY_KEY"]);
    }

    let inline = provider("{api_key: inline, api_key_env: MY_KEY}")
        .replace("v1\n      {", "v1\n      ")
        .replace('}', "")
        .replace(", ", "\n      ");
    let config =
        Config::from_yaml("gateway.yaml", &inline, &Env::fixed([("MY_KEY", "env")])).unwrap();
    assert_eq!(key(&config, "p").as_deref(), Some("inline"));
    let config = accepted(&provider(""));
    assert_eq!(
        config.warnings,
        ["provider `p` has no key and is skipped: give it api_key_env or api_key"]
    );
}

#[test]
fn keys_do_not_print() {
    let config = accepted(&provider("api_key: sk-secret"));
    let debug = format!("{config:?}");
    assert!(debug.contains("***") && !debug.contains("secret"), "{debug}");
}

#[test]
fn without_a_file_the_environment_decides() {
    let builtin = |name| Config::builtin(&Env::fixed([(name, "sk-1")])).unwrap();
    assert!(builtin("HOME").is_none());
    for (variable, provider, model) in [
        ("DEEPSEEK_API_KEY", "deepseek", "deepseek-chat"),
        ("OPENAI_API_KEY", "openai", "gpt-5.1"),
        ("OPENROUTER_API_KEY", "openrouter", "deepseek-chat"),
    ] {
        let config = builtin(variable).unwrap();
        assert_eq!(config.models.default_model.as_deref(), Some(model));
        let usable = config.models.providers.iter().filter(|(_, p)| p.is_usable());
        assert_eq!(usable.map(|(name, _)| name).collect::<Vec<_>>(), [provider]);
        assert_eq!(config.warnings.len(), 2);
    }
}

#[test]
fn a_file_is_loaded_with_the_dotenv_beside_it() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("gateway.yaml");
    fs::write(files.path().join(".env"), "SWITCHTOWER_TEST_KEY_BESIDE=k").unwrap();
    fs::write(&path, provider("api_key_env: SWITCHTOWER_TEST_KEY_BESIDE")).unwrap();
    assert_eq!(key(&Config::load(&path).unwrap(), "p").as_deref(), Some("k"));

    let name = path.display().to_string();
    let error = || Config::load(&path).unwrap_err().to_string().replace(&name, "gateway.yaml");
    fs::write(&path, b"port: 1\nhost: \xff").unwrap();
    assert_eq!(error(), "gateway.yaml: line 2 is not UTF-8 text");
    fs::write(&path, vec![b' '; 1024 * 1024 + 1]).unwrap();
    assert_eq!(error(), "gateway.yaml: is larger than 1 MiB");
    fs::remove_file(&path).unwrap();
    assert!(error().starts_with("gateway.yaml: cannot be read: No such file"));
}

#[test]
fn what_is_odd_is_a_warning() {
    let told = "`log_bodies` is on: prompts and answers are written to the log";
    assert_eq!(accepted("log_bodies: true").warnings, [told]);
    let text = "models:\n  providers:\n    p: {base_url: http://x, api_key: k, models: [m, m]}\n    q: {base_url: http://x, api_key: k, models: [p/m]}\n  fallback_chain: [p, p]\n  model_routing: {gpt-: [p], gpt-5: [p], '*-mini': [p]}\nrouting: {rules: [{name: r, agent: codex}]}";
    assert_snapshot!(accepted(text).warnings.join("\n"), @r"
    line 3 lists the model `m` twice
    `p/m` asks the provider `p`; write `q/p/m` for the one of `q`
    line 5 lists the provider `p` twice
    the model_routing pattern `gpt-5` is never used: `gpt-` above it matches first
    the rule `r` never applies: it has no keywords
    ");
}
