//! `switchtower doctor`, as a person runs it.

use std::process::Stdio;

use crate::support::{
    Authority, Binary, ProxyScript, Refused, Reply, TestProxy, TlsFront, always, soon,
};
use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

/// A machine: a home without a configuration, and with no programs.
struct Machine {
    home: TempDir,
    /// What stands in the report instead of what differs from run to run.
    names: Vec<(String, &'static str)>,
}

impl Machine {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let names = vec![(home.path().display().to_string(), "HOME")];
        Self { home, names }
    }

    fn with(yaml: &str) -> Self {
        let machine = Self::new();
        machine.write("gateway.yaml", yaml);
        machine
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.home.path().join(name), text).expect("a file");
    }

    #[cfg(unix)]
    fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        self.write(name, &format!("#!/bin/sh\n{script}\n"));
        let file = self.home.path().join(name);
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).expect("a file");
    }

    fn named(mut self, text: &impl ToString, name: &'static str) -> Self {
        self.names.push((text.to_string(), name));
        self
    }

    /// Its status, and what it says.
    async fn doctor(&self, arguments: &[&str]) -> (i32, String) {
        self.doctor_with(arguments, &[]).await
    }

    async fn doctor_with(&self, arguments: &[&str], env: &[(&str, &str)]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_switchtower"))
            .arg("doctor")
            .args(arguments)
            .current_dir(&self.home)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", self.home.path())
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = soon(output).await.expect("the binary runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        assert_eq!(text(output.stderr), "");
        let stdout = text(output.stdout);
        assert!(!stdout.contains(KEY.1), "{stdout}");
        let names = self.names.iter();
        let said = names.fold(stdout, |said, (text, name)| said.replace(text, name));
        (output.status.code().expect("it was not killed"), without_times(&said))
    }
}

/// `answers in 12 ms` differs from run to run.
fn without_times(text: &str) -> String {
    let mut words = text.split(' ').collect::<Vec<_>>();
    for at in 1..words.len() {
        if words[at] == "ms" {
            words[at - 1] = "N";
        }
    }
    words.join(" ")
}

/// One provider, whose key is in the environment.
fn one(base_url: &str) -> String {
    format!(
        "port: 0\nmodels: {{providers: {{near: {{base_url: '{base_url}', api_key_env: NEAR_KEY}}}}}}\n"
    )
}

const KEY: (&str, &str) = ("NEAR_KEY", "sk-not-to-be-shown");

#[tokio::test]
async fn on_a_machine_with_nothing() {
    let machine = Machine::new();
    let (status, said) = machine.doctor(&["--port", "0"]).await;
    assert_snapshot!(said, @r"
    Configuration
      warn  no file and no key in the environment; the demo provider  → for real providers run `switchtower setup`, or set OPENAI_API_KEY or the like

    Listening
      ok    127.0.0.1: any port that is free
      ok    client keys: none, so every program on this machine may use it

    Data
      ok    ./data is made when it is needed

    Agents
      ok    none is installed, so tasks have nobody to go to  → to give tasks, install codex or claude, or add one to `agents`

    Nothing fails; 1 warning.
    ");
    assert_eq!(status, 0);
    assert_eq!(std::fs::read_dir(&machine.home).expect("a directory").count(), 0);
}

#[tokio::test]
async fn with_a_key_that_is_taken() {
    let provider = always(Reply::json(&serde_json::json!({"data": []}))).await;
    let machine = Machine::with(&one(&provider.base_url()));
    let (status, said) = machine.doctor_with(&[], &[KEY]).await;
    assert_snapshot!(said, @r"
    Configuration
      ok    gateway.yaml is valid

    Providers
      ok    near: answers in N ms and takes the key

    Clock
      ok    agrees with that of the providers

    Listening
      ok    127.0.0.1: any port that is free
      ok    client keys: none, so every program on this machine may use it

    Data
      ok    ./data is made when it is needed

    Agents
      ok    none is installed, so tasks have nobody to go to  → to give tasks, install codex or claude, or add one to `agents`

    Nothing is wrong.
    ");
    assert_eq!(status, 0);
    let asked = provider.received();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].uri.path(), "/v1/models");
}

#[tokio::test]
async fn with_a_wrong_key() {
    let provider = always(Reply::error(401, "invalid_api_key sk-not-to-be-shown")).await;
    let machine = Machine::with(&one(&provider.base_url()));
    let (status, said) = machine.doctor_with(&[], &[KEY]).await;
    assert_snapshot!(said, @r"
    Configuration
      ok    gateway.yaml is valid

    Providers
      fail  near: refuses the key (401)  → put a valid one into NEAR_KEY

    Clock
      ok    agrees with that of the providers

    Listening
      ok    127.0.0.1: any port that is free
      ok    client keys: none, so every program on this machine may use it

    Data
      ok    ./data is made when it is needed

    Agents
      ok    none is installed, so tasks have nobody to go to  → to give tasks, install codex or claude, or add one to `agents`

    1 failure.
    ");
    assert_eq!(status, 1);
}

#[tokio::test]
async fn without_a_key() {
    let machine = Machine::with(&one("http://127.0.0.1:1/v1"));
    let (status, said) = machine.doctor(&[]).await;
    assert_snapshot!(said, @r"
    Configuration
      ok    gateway.yaml is valid

    Providers
      fail  none can be used: every request for a model is answered with 503  → give one of them its key
      warn  near: has no key, and is skipped  → set NEAR_KEY

    Listening
      ok    127.0.0.1: any port that is free
      ok    client keys: none, so every program on this machine may use it

    Data
      ok    ./data is made when it is needed

    Agents
      ok    none is installed, so tasks have nobody to go to  → to give tasks, install codex or claude, or add one to `agents`

    1 failure, 1 warning.
    ");
    assert_eq!(status, 1);
}

#[tokio::test]
async fn with_a_dead_provider() {
    let dead = Refused::new().expect("a port");
    let machine = Machine::with(&one(&dead.base_url())).named(&dead.addr(), "ADDRESS");
    let (status, said) = machine.doctor_with(&[], &[KEY]).await;
    assert_snapshot!(said, @r"
    Configuration
      ok    gateway.yaml is valid

    Providers
      fail  near: nobody listens on ADDRESS  → start what listens on ADDRESS, or correct its `base_url`

    Listening
      ok    127.0.0.1: any port that is free
      ok    client keys: none, so every program on this machine may use it

    Data
      ok    ./data is made when it is needed

    Agents
      ok    none is installed, so tasks have nobody to go to  → to give tasks, install codex or claude, or add one to `agents`

    1 failure.
    ");
    assert_eq!(status, 1);
    let (status, said) = machine.doctor_with(&["--offline"], &[KEY]).await;
    assert!(said.contains("ok    near: has a key, which is not tried"), "{said}");
    assert_eq!(status, 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn with_a_taken_port() {
    let other = always(Reply::new(404)).await;
    let comm = std::fs::read_to_string("/proc/self/comm").expect("this process");
    let program = format!("{} (pid {})", comm.trim_end(), std::process::id());
    let machine = Machine::new().named(&other.addr(), "ADDRESS").named(&program, "PROGRAM (pid N)");
    let (status, said) = machine.doctor(&["--port", &other.addr().port().to_string()]).await;
    assert_snapshot!(said, @r"
    Configuration
      warn  no file and no key in the environment; the demo provider  → for real providers run `switchtower setup`, or set OPENAI_API_KEY or the like

    Listening
      fail  ADDRESS is taken by PROGRAM (pid N)  → stop that, or choose another port, by `port` or --port
      ok    client keys: none, so every program on this machine may use it

    Data
      ok    ./data is made when it is needed

    Agents
      ok    none is installed, so tasks have nobody to go to  → to give tasks, install codex or claude, or add one to `agents`

    1 failure, 1 warning.
    ");
    assert_eq!(status, 1);
}

#[tokio::test]
async fn beside_a_gateway_that_runs() {
    let agents = "agents: [{id: a, type: process, command: /bin/sh}]\nresponses: {store: sqlite}\n";
    let gateway = Binary::start(agents, &[]).await;
    let home = gateway.home_path();
    std::fs::create_dir_all(home.join("data")).expect("a directory");
    let mut machine = Machine::new().named(&gateway.addr, "ADDRESS").named(&gateway.id(), "N");
    machine.names.push((home.display().to_string(), "HOME"));
    machine.names.push((env!("CARGO_PKG_VERSION").to_owned(), "VERSION"));
    let port = gateway.addr.port().to_string();
    let config = home.join("gateway.yaml").display().to_string();
    let (status, said) = machine.doctor(&["--config", &config, "--port", &port]).await;
    let line = said.lines().find(|line| line.contains("ADDRESS"));
    let runs = match cfg!(target_os = "linux") {
        true => "  ok    ADDRESS: switchtower VERSION runs there (pid N)",
        false => "  ok    ADDRESS: switchtower VERSION runs there",
    };
    assert_eq!(line, Some(runs), "{said}");
    assert_eq!(status, 0);
}

#[tokio::test]
async fn a_wrong_file_is_all_there_is_to_say() {
    let machine = Machine::with("prot: 3000\nmodels:\n  fallback_chain: [nobody]\n");
    let (status, said) = machine.doctor(&[]).await;
    assert_snapshot!(said, @r"
    Configuration
      fail  gateway.yaml:1:1: unknown setting `prot`  → correct it, `switchtower check` shows the place; the rest is looked at then

    1 failure.
    ");
    assert_eq!(status, 1);
    let (_, said) = machine.doctor(&["--config", "nope.yaml"]).await;
    assert!(said.contains("fail  nope.yaml: cannot be read: No such file"), "{said}");
}

#[tokio::test]
async fn an_authority_that_nobody_knows() {
    let authority = Authority::new();
    let provider = always(Reply::json(&serde_json::json!({"data": []}))).await;
    let front = TlsFront::start(&provider, &authority, "localhost", &["http/1.1"]).await;
    let url = format!("https://localhost:{}/v1", front.addr.port());
    let machine = Machine::with(&one(&url)).named(&front.addr.port(), "PORT");
    let (status, said) = machine.doctor_with(&[], &[KEY]).await;
    assert!(said.contains("fail  near: TLS with localhost:PORT fails: "), "{said}");
    assert!(said.contains("an authority of your own goes into SSL_CERT_FILE"), "{said}");
    assert_eq!(status, 1);
    let ca = format!("{{ca: '{}', base_url:", authority.file());
    let with_ca =
        Machine::with(&one(&url).replace("{base_url:", &ca)).named(&authority.file(), "CA");
    let (status, said) = with_ca.doctor_with(&[], &[KEY]).await;
    assert!(said.contains("ok    near: answers in N ms and takes the key"), "{said}");
    let trusts = "near: trusts CA (1 certificate) in addition to the system's authorities";
    assert!(said.contains(trusts), "{said}");
    assert_eq!(status, 0);
    let trusted = ("SSL_CERT_FILE", authority.file());
    let (status, said) = machine.doctor_with(&[], &[KEY, trusted]).await;
    assert!(said.contains("ok    near: answers in N ms and takes the key"), "{said}");
    assert_eq!(status, 0);
}

/// The part about the providers.
fn providers(said: &str) -> &str {
    let said = said.split("\n\n").find(|part| part.starts_with("Providers\n"));
    said.expect("the providers")
}

#[tokio::test]
async fn proxies_are_told_with_where_they_are_set() {
    let authority = Authority::new();
    let provider = always(Reply::json(&serde_json::json!({"data": []}))).await;
    let front = TlsFront::start(&provider, &authority, "llm.example.test", &["http/1.1"]).await;
    let tls =
        TestProxy::start(ProxyScript::Authorized("Basic bWU6c2stbm90LXRvLWJlLXNob3du", front.addr))
            .await;
    let plain = TestProxy::start(ProxyScript::Forward(provider.addr())).await;
    let entry = |name: &str, url: &str, more: &str| {
        format!("    {name}: {{base_url: '{url}', api_key_env: NEAR_KEY{more}}}\n")
    };
    let own = format!(", proxy: '{}'", plain.url("http"));
    let local = format!("http://{}/v1", provider.addr());
    let yaml = "port: 0\nmodels:\n  providers:\n".to_owned()
        + &entry("far", "https://llm.example.test/v1", ", ca: ca.pem")
        + &entry("own", "http://other.example.test/v1", &own)
        + &entry("near", &local, "");
    let machine = Machine::with(&yaml).named(&tls.addr, "TLS").named(&plain.addr, "PLAIN");
    std::fs::copy(authority.file(), machine.home.path().join("ca.pem")).expect("a file");
    // The password is that key.
    let url = format!("http://me:sk-not-to-be-shown@{}", tls.addr);
    let env = [KEY, ("HTTPS_PROXY", &*url), ("ALL_PROXY", "http://127.0.0.1:1")];
    let (status, said) = machine.doctor_with(&[], &env).await;
    assert_snapshot!(providers(&said), @r"
    Providers
      ok    far: uses proxy http://TLS, set by HTTPS_PROXY
      ok    far: trusts ca.pem (1 certificate) in addition to the system's authorities
      ok    own: uses proxy http://PLAIN, set by its `proxy`
      ok    near: uses no proxy, because it is on this machine
      ok    far: answers in N ms and takes the key
      ok    own: answers in N ms and takes the key
      ok    near: answers in N ms and takes the key
    ");
    assert_eq!(status, 0);
    assert_eq!(tls.asked(), ["CONNECT llm.example.test:443 HTTP/1.1"]);
    assert_eq!(plain.asked(), ["GET http://other.example.test/v1/models HTTP/1.1"]);
    let (_, said) = machine.doctor_with(&["--offline"], &env).await;
    assert!(providers(&said).contains("far: uses proxy http://TLS, set by HTTPS_PROXY"), "{said}");
    let env = [KEY, ("https_proxy", &*url), ("NO_PROXY", "example.test")];
    let (_, said) = machine.doctor_with(&["--offline"], &env).await;
    assert!(providers(&said).contains("far: uses no proxy, excluded by NO_PROXY"), "{said}");
    machine.write(".env", &format!("HTTPS_PROXY={url}\n"));
    let (_, said) = machine.doctor_with(&["--offline"], &[KEY]).await;
    assert!(
        providers(&said).contains("uses proxy http://TLS, set by HTTPS_PROXY in .env"),
        "{said}"
    );
}

#[tokio::test]
async fn a_proxy_that_refuses() {
    let proxy =
        TestProxy::start(ProxyScript::Authorized("Basic x", ([127, 0, 0, 1], 1).into())).await;
    let dead = Refused::new().expect("a port");
    let https = format!("http://me:sk-not-to-be-shown@{}", proxy.addr);
    let http = format!("http://{}", dead.addr());
    let env = [KEY, ("HTTPS_PROXY", &*https), ("HTTP_PROXY", &*http)];
    let machine = Machine::with(&one("https://llm.example.test/v1"))
        .named(&proxy.addr, "PROXY")
        .named(&dead.addr(), "DEAD");
    let (status, said) = machine.doctor_with(&[], &env).await;
    assert_snapshot!(providers(&said), @r"
    Providers
      ok    near: uses proxy http://PROXY, set by HTTPS_PROXY
      fail  near: proxy PROXY answered 407 Proxy Authentication Required  → check HTTPS_PROXY: its host, port, user and password; `proxy: none` uses no proxy
    ");
    assert_eq!(status, 1);
    machine.write("gateway.yaml", &one("http://llm.example.test/v1"));
    let (status, said) = machine.doctor_with(&[], &env).await;
    assert!(said.contains("fail  near: proxy DEAD cannot be reached: it refuses the"), "{said}");
    assert_eq!(status, 1);
    machine.write("gateway.yaml", &one("https://llm.example.test/v1"));
    let env = [KEY, ("HTTPS_PROXY", "socks4://me:sk-not-to-be-shown@h")];
    let (status, said) = machine.doctor_with(&[], &env).await;
    assert!(said.contains("fail  gateway.yaml: HTTPS_PROXY has the scheme `socks4`"), "{said}");
    assert_eq!(status, 1);
}

#[tokio::test]
async fn a_clock_that_is_wrong() {
    let past = Reply::json(&serde_json::json!({})).header("date", "Thu, 01 Jan 2015 00:00:00 GMT");
    let provider = always(past).await;
    let machine = Machine::with(&one(&provider.base_url()));
    let (status, said) = machine.doctor_with(&[], &[KEY]).await;
    let line = said.lines().find(|line| line.contains("ahead of that of the providers"));
    assert!(line.is_some_and(|line| line.starts_with("  warn  is ")), "{said}");
    assert_eq!(status, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn programs_agents_and_a_certificate() {
    let machine = Machine::with(
        "port: 0
host: 0.0.0.0
dataDir: file
tls: {cert: cert.pem, key: key.pem}
auth: {keys: [{name: me, key_env: MY_KEY, scopes: [models, admin]}]}
models: {quota: {codexbar: {command: ./codexbar}}}
routing: {defaultAgent: gemini, rules: []}
agents:
  - {id: mine, type: process, command: my-cli}
  - {id: odd, type: codex, command: ./odd, env: {KEY: sk-not-to-be-shown}}
  - {id: down, type: http, endpoint: 'http://127.0.0.1:1/task'}
",
    );
    Authority::new().issue("localhost", machine.home.path());
    machine.write("file", "");
    machine.program("codexbar", "echo 'no JSON'");
    machine.program("claude", "echo; echo 'Claude Code 2.0 sk-not-to-be-shown'");
    machine.program("odd", "exit 1");
    let key = ("MY_KEY", "sk-0123456789abcdef0123");
    let (status, said) = machine.doctor_with(&[], &[key]).await;
    assert_snapshot!(years(&said), @r"
    Configuration
      ok    gateway.yaml is valid
      warn  everyone on this machine can read the TLS key: chmod o= key.pem

    Providers
      warn  there are none, so no model answers  → add one to `models.providers`; gateway.example.yaml shows how

    Listening
      ok    0.0.0.0: any port that is free
      ok    TLS: the certificate is valid for N days
      ok    client keys: me (models, admin)

    Data
      fail  file cannot be written to: it is no directory  → let this user write there, or set `dataDir` to another directory

    Quotas
      fail  ./codexbar: it prints no JSON: expected ident at line 1 column 2  → run it by hand: ./codexbar usage --format json --provider all

    Agents
      fail  mine: there is no program my-cli  → install it, or correct its `command`
      fail  odd: ./odd does not tell its version  → run it by hand: ./odd --version
      fail  down: nobody takes connections at http://127.0.0.1:1/task  → start it, or correct its `endpoint`
      ok    claude-code: HOME/claude, Claude Code 2.0 ***
      warn  gemini: there is no program gemini  → install it, or take it out of `routing`

    5 failures, 3 warnings.
    ");
    assert_eq!(status, 1);
}

/// The certificate is valid for as long as its issuer likes.
fn years(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once("is valid for ") {
        Some((start, _)) => format!("{start}is valid for N days\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

#[tokio::test]
async fn for_programs() {
    let dead = Refused::new().expect("a port");
    let machine = Machine::with(&one(&dead.base_url()));
    let (status, said) = machine.doctor_with(&["--json"], &[KEY]).await;
    let report: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((status, &report["level"]), (1, &Value::from("fail")));
    let findings = report["findings"].as_array().expect("a list");
    let failed: Vec<_> = findings.iter().filter(|finding| finding["level"] == "fail").collect();
    assert_eq!(failed.len(), 1, "{report:#}");
    assert_eq!(failed[0]["group"], "providers");
    assert!(failed[0]["next"].as_str().is_some_and(|next| next.starts_with("start what")));
    assert!(findings.iter().all(|finding| finding["next"].is_null() == (finding["level"] == "ok")
        || finding["group"] == "agents"));
}

#[tokio::test]
async fn it_explains_itself() {
    let machine = Machine::new();
    let (_, said) = machine.doctor(&["--help"]).await;
    assert_snapshot!(said, @r#"
    Look at everything that the gateway needs, and say what to do about what is wrong

    Usage: switchtower doctor [OPTIONS]

    Options:
      -c, --config <PATH>  The configuration file [default: the first that is found, see --help]
          --host <IP>      The address to listen on, instead of the configured one; loopback only,
                           unless there are client keys
      -p, --port <N>       The port to listen on, instead of the configured one; 0 lets the system
                           choose
          --offline        Ask neither the providers nor the agents that are endpoints
          --json           Print JSON
      -h, --help           Print help

    Each line says `ok`, `warn` or `fail`, what was found, and what to do about it. It takes 10 seconds
    at most, changes nothing, and prints no key. The status is 1 when something fails.

    Examples:
      switchtower doctor
      switchtower doctor --config prod.yaml --port 8080
      switchtower doctor --json | jq '.findings[] | select(.level == "fail")'
    "#);
}
