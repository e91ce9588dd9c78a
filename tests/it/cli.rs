//! The binary, as a person runs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use insta::assert_snapshot;
use tempfile::TempDir;

/// An empty directory that is also the home, in an empty environment.
struct Shell(TempDir);

impl Shell {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    /// One with this `gateway.yaml`.
    fn with(yaml: &str) -> Self {
        let shell = Self::new();
        shell.write("gateway.yaml", yaml);
        shell
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchtower"));
        command.args(arguments.split_whitespace()).current_dir(&self.0).env_clear();
        command.env("HOME", self.0.path()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &str) -> (i32, String, String) {
        let Output { status, stdout, stderr } =
            self.command(arguments).output().expect("the binary runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (status.code().expect("it was not killed"), text(stdout), text(stderr))
    }

    /// What it prints to stdout when all is well.
    fn says(&self, arguments: &str) -> String {
        let (status, stdout, stderr) = self.run(arguments);
        assert_eq!((status, stderr.as_str()), (0, ""), "{stdout}");
        stdout
    }

    /// What it prints to stderr when it fails with this status.
    fn complains(&self, expected: i32, arguments: &str) -> String {
        let (status, stdout, stderr) = self.run(arguments);
        assert_eq!((status, stdout.as_str()), (expected, ""), "{stderr}");
        stderr
    }
}

const TWO: &str = "\
models:
  default_model: large
  providers:
    near: {base_url: http://127.0.0.1:1/v1, api_key: k, models: [large], aliases: {small: tiny-1}}
    far: {base_url: https://far.example/v1, api_key_env: FAR_KEY, models: [large]}
    open: {base_url: https://open.example/v1, api_key_env: OPEN_KEY}
  model_aliases: {big: large}
";

#[test]
fn help() {
    assert_snapshot!(Shell::new().says("--help"));
    assert!(Shell::new().says("serve --help").contains("--port <N>"));
}

#[test]
fn version() {
    assert_eq!(
        Shell::new().says("--version"),
        format!("switchtower {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn check_shows_the_plan_and_what_is_odd() {
    assert_snapshot!(Shell::with(TWO).says("check"), @r"
    Configuration: gateway.yaml

    A request for each model goes to the first of these that answers:

      large  -> near/large
      small  -> near/tiny-1
      big    -> near/large

    warning: provider `far` has no key and is skipped: set FAR_KEY
    warning: provider `open` has no key and is skipped: set OPEN_KEY
    ");
    let shell = Shell::with(TWO);
    shell.write(".env", "FAR_KEY=k\nOPEN_KEY=k\n");
    assert_snapshot!(shell.says("check"), @r"
    Configuration: gateway.yaml

    A request for each model goes to the first of these that answers:

      large  -> near/large, far/large, open/large
      small  -> near/tiny-1, far/small, open/small
      big    -> near/large, far/large, open/big

    warning: `open` is sent names that it neither lists nor aliases: large, small, big
    warning: `far` is sent names that it neither lists nor aliases: small
    ");
}

#[test]
fn check_of_a_broken_file() {
    let broken = "models:\n  fallback_chain: [nobody]\nhost: 10.0.0.1\n";
    assert_snapshot!(Shell::with(broken).complains(1, "check"), @r"
    error: 2 problems in the configuration

    gateway.yaml:2:20: there is no provider `nobody`
      2 |   fallback_chain: [nobody]
        |                    ^^^^^^

    gateway.yaml:3:7: 10.0.0.1 would let others in: without client keys, the gateway only listens on loopback (127.0.0.1 or ::1)
      3 | host: 10.0.0.1
        |       ^^^^^^^^
      help: add `auth.keys`; `switchtower key new` makes one
    ");
    assert_snapshot!(Shell::with("prot: 3").complains(1, "models"), @r"
    error: gateway.yaml:1:1: unknown setting `prot`
      1 | prot: 3
        | ^^^^
      help: did you mean `port`?
    ");
    assert_snapshot!(Shell::with("prot: 3").complains(1, ""), @r"
    error: gateway.yaml:1:1: unknown setting `prot`
      1 | prot: 3
        | ^^^^
      help: did you mean `port`?
    ");
    assert_snapshot!(Shell::new().complains(1, "check --config nope.yaml"), @"error: nope.yaml: cannot be read: No such file or directory (os error 2)");
}

#[test]
fn models() {
    assert_snapshot!(Shell::with(TWO).says("models"), @r"
    MODEL        PROVIDER  KEY                   SENT AS
    large        near      has a key
    small        near      has a key             tiny-1
    big          near      has a key             large
    large        far       no key: set FAR_KEY
    big          far       no key: set FAR_KEY   large
    (any other)  open      no key: set OPEN_KEY
    ");
    assert_snapshot!(Shell::with("port: 1").says("models"), @"There are no providers, and so no models.");
}

#[test]
fn without_a_file_it_is_the_demo_or_the_keys() {
    assert_snapshot!(Shell::new().says("check"), @r"
    Configuration: no file and no key in the environment; the demo provider

    A request for each model goes to the first of these that answers:

      demo           -> demo/demo, demo-backup/demo
      demo-slow      -> demo/demo-slow, demo-backup/demo-slow
      demo-429       -> demo/demo-429, demo-backup/demo-429
      demo-500       -> demo/demo-500, demo-backup/demo-500
      demo-cut       -> demo/demo-cut, demo-backup/demo-cut
      demo-failover  -> demo/demo-failover, demo-backup/demo
    ");
    let shell = Shell::new();
    shell.write(".env", "OPENAI_API_KEY=k");
    assert_snapshot!(shell.says("models"), @r"
    MODEL              PROVIDER    KEY                             SENT AS
    deepseek-chat      deepseek    no key: set DEEPSEEK_API_KEY
    deepseek-reasoner  deepseek    no key: set DEEPSEEK_API_KEY
    gpt-5.1            openai      has a key
    o4-mini            openai      has a key
    deepseek-chat      openrouter  no key: set OPENROUTER_API_KEY  deepseek/deepseek-chat
    (any other)        openrouter  no key: set OPENROUTER_API_KEY
    ");
}

#[test]
fn the_file_is_found_in_order() {
    let shell = Shell::new();
    let used = |shell: &Shell| {
        let text = shell.says("check").replace(&shell.0.path().display().to_string(), "~");
        text.lines().next().unwrap_or_default().to_owned()
    };
    shell.write(".config/switchtower/gateway.yaml", "");
    assert_eq!(used(&shell), "Configuration: ~/.config/switchtower/gateway.yaml");
    shell.write("config/gateway.yaml", "");
    assert_eq!(used(&shell), "Configuration: config/gateway.yaml");
    shell.write("gateway.yaml", "");
    assert_eq!(used(&shell), "Configuration: gateway.yaml");
}

#[test]
fn completions() {
    let shell = Shell::new();
    assert!(shell.says("completions bash").contains("complete -F _switchtower"));
    assert!(shell.says("completions zsh").starts_with("#compdef switchtower"));
    assert!(shell.complains(2, "completions cmd").contains("possible values"));
}

#[test]
fn a_command_line_that_makes_no_sense() {
    let shell = Shell::new();
    assert_snapshot!(shell.complains(2, "--prot 3"), @r"
    error: unexpected argument '--prot' found

      tip: a similar argument exists: '--port'

    Usage: switchtower --port <N>

    For more information, try '--help'.
    ");
    assert_snapshot!(shell.complains(2, "chekc"), @r"
    error: unrecognized subcommand 'chekc'

      tip: a similar subcommand exists: 'check'

    Usage: switchtower [OPTIONS]
           switchtower <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(shell.complains(1, "serve --host 0.0.0.0"), @r"
    error: 0.0.0.0 would let others in: without client keys, the gateway only listens on loopback (127.0.0.1 or ::1)
      help: add `auth.keys` to the configuration; `switchtower key new` makes one
    ");
    assert_snapshot!(shell.complains(2, "serve --host example.org"), @r"
    error: invalid value 'example.org' for '--host <IP>': `example.org` is no IP address; write 127.0.0.1 or ::1

    For more information, try '--help'.
    ");
    assert_snapshot!(shell.complains(2, "--port 70000"), @r"
    error: invalid value '70000' for '--port <N>': 70000 is not in 0..=65535

    For more information, try '--help'.
    ");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    for arguments in ["completions bash", "--help", "models"] {
        let mut child = Shell::new()
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
        assert_eq!((child.wait().expect("it ends").code(), stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let error = Shell::new().complains(1, &format!("--port {port}"));
    assert!(error.starts_with(&format!("error: cannot start on 127.0.0.1:{port}: ")), "{error}");
    assert!(error.contains("choose one with --port"), "{error}");
}

/// A running gateway on a free port.
#[cfg(unix)]
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: String,
    /// What it has printed.
    text: String,
    _home: Shell,
}

#[cfg(unix)]
impl Running {
    fn start() -> Self {
        Self::with(Shell::new(), "--port 0")
    }

    fn with(home: Shell, arguments: &str) -> Self {
        let mut command = home.command(arguments);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (address, text) = (String::new(), String::new());
        let mut running = Self { child, stdout, address, text, _home: home };
        running.read_until("Ctrl-C stops it.");
        let address = running.text.split("http://").nth(1).and_then(|rest| rest.lines().next());
        running.address = address.expect("an address").to_owned();
        running
    }

    fn read_until(&mut self, words: &str) {
        while !self.text.contains(words) {
            let read = self.stdout.read_line(&mut self.text).expect("UTF-8");
            assert_ne!(read, 0, "{}", self.text);
        }
    }

    /// What it answers, head and all.
    fn answer(&self, request: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("somebody listens");
        let (host, length) = (&self.address, body.len());
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .expect("it is read");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("a whole answer");
        answer
    }

    /// By the shell's `kill`, which is there where no other is installed.
    fn signal(&self, signal: &str) {
        let kill = format!("kill {signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    }

    fn status(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

#[cfg(unix)]
impl Drop for Running {
    fn drop(&mut self) {
        // A failed test leaves nothing behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn serve_starts_on_the_demo_and_stops_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let mut gateway = Running::start();
        TcpStream::connect(&gateway.address).expect("somebody listens");
        let text = gateway.text.replace(&gateway.address, "ADDRESS");
        assert_snapshot!("demo", text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
        gateway.signal(signal);
        gateway.read_until("Stopping; streams may finish for 30 s.");
        assert_eq!(gateway.status(), Some(0));
    }
}

/// The command line comes before the file, and before the file is checked.
#[cfg(unix)]
#[test]
fn host_and_port_of_the_command_line_replace_those_of_the_file() {
    for (file, arguments) in [
        ("host: 0.0.0.0\nport: 0\n", "serve --host 127.0.0.1"),
        ("host: 192.0.2.1\nport: 0\n", "--host 127.0.0.1"),
        ("host: '::'\nport: 0\n", "serve --host localhost"),
        ("host: no address\nport: 1\n", "--host 127.0.0.1 --port 0"),
        ("port: 3000\nwsPort: 3000\n", "serve --port 0"),
    ] {
        let gateway = Running::with(Shell::with(file), arguments);
        assert!(gateway.address.starts_with("127.0.0.1:"), "{file}: {}", gateway.text);
        assert!(gateway.answer("GET /health", "").starts_with("HTTP/1.1 200 OK\r\n"), "{file}");
    }
}

#[test]
fn a_host_of_the_command_line_is_refused_as_that_of_a_file() {
    let exposed = "error: 0.0.0.0 would let others in: without client keys";
    for (file, arguments) in [
        ("host: 127.0.0.1", "serve --host 0.0.0.0"),
        (TWO, "--host 0.0.0.0"),
        ("auth: {keys: []}", "--config gateway.yaml serve --host 0.0.0.0"),
    ] {
        let told = Shell::with(file).complains(1, arguments);
        assert!(told.starts_with(exposed), "{file}: {told}");
    }
    // The rest of the file is checked as ever.
    let told = Shell::with("host: 0.0.0.0\nprot: 3").complains(1, "serve --host 127.0.0.1");
    assert!(told.contains("unknown setting `prot`"), "{told}");
    let told = Shell::with("host: 0.0.0.0").complains(1, "serve --port 0");
    assert!(told.starts_with("error: gateway.yaml:1:7: 0.0.0.0 would let others in"), "{told}");
    let told = Shell::with("wsPort: 3001").complains(1, "--port 3001");
    assert!(told.contains("`port` and `wsPort` are both 3001"), "{told}");
}

/// `switchtower --config F serve` is `switchtower serve --config F`.
#[cfg(unix)]
#[test]
fn the_configuration_may_be_named_before_the_command() {
    let home = || {
        let home = Shell::new();
        home.write("other.yaml", TWO);
        home
    };
    for arguments in [
        "--config other.yaml serve --port 0",
        "serve --config other.yaml --port 0",
        "--port 0 -c other.yaml serve",
        "--config=other.yaml --port 0",
    ] {
        let gateway = Running::with(home(), arguments);
        assert!(gateway.text.contains("Configuration: other.yaml\n"), "{}", gateway.text);
    }
    let home = home();
    assert_eq!(home.says("--config other.yaml check"), home.says("check --config other.yaml"));
    assert_eq!(home.says("-c other.yaml models"), home.says("models -c other.yaml"));
    assert_snapshot!(home.complains(2, "--config other.yaml serve --config other.yaml"), @r"
    error: the argument '--config <PATH>' cannot be used multiple times

    Usage: switchtower serve [OPTIONS]

    For more information, try '--help'.
    ");
    assert_snapshot!(home.complains(2, "--port 1 check"), @r"
    error: unexpected argument '--port' found

    Usage: switchtower check [OPTIONS]

    For more information, try '--help'.
    ");
}

#[cfg(unix)]
#[test]
fn the_demo_fails_over() {
    let gateway = Running::start();
    let models = gateway.answer("GET /v1/models", "");
    assert!(models.contains(r#"{"id":"demo-failover","#), "{models}");
    let question =
        r#"{"model": "demo-failover", "messages": [{"role": "user", "content": "Hello!"}]}"#;
    let answer = gateway.answer("POST /v1/chat/completions", question);
    for line in [
        "HTTP/1.1 200 OK\r\n",
        "\r\nx-switchtower-provider: demo-backup\r\n",
        "\r\nx-switchtower-model: demo\r\n",
        "\r\nx-switchtower-attempts: 2\r\n",
        "\"finish_reason\":\"stop\"",
    ] {
        assert!(answer.contains(line), "{line:?} in {answer}");
    }
}

#[cfg(unix)]
#[test]
fn a_second_interrupt_does_not_wait_for_streams() {
    let mut gateway = Running::start();
    let body = r#"{"model": "demo-slow", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}"#;
    let mut stream = TcpStream::connect(&gateway.address).expect("somebody listens");
    write!(
        stream,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        gateway.address,
        body.len()
    )
    .expect("it is read");
    let mut head = [0; 12];
    stream.read_exact(&mut head).expect("an answer begins");
    assert_eq!(&head, b"HTTP/1.1 200");

    gateway.signal("-INT");
    gateway.read_until("Ctrl-C again stops at once.");
    gateway.signal("-INT");
    assert_eq!(gateway.status(), Some(130));
}

/// Runs it with this text on stdin.
fn told(shell: &Shell, arguments: &str, stdin: &str) -> (i32, String, String) {
    let mut command = shell.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("it was not killed"), text(stdout), text(stderr))
}

#[test]
fn a_new_key_goes_to_stdout_and_its_hash_into_the_configuration() {
    let shell = Shell::new();
    let (status, key, advice) = shell.run("key new --name laptop --scope models --scope admin");
    assert_eq!(status, 0);
    let key = key.strip_suffix('\n').expect("one line");
    assert!(key.starts_with("st-") && key.len() == 46 && !advice.contains(key), "{advice}");
    // What is to be pasted is right.
    let yaml = &advice[advice.find("auth:").expect("a part of a configuration")..];
    shell.write("gateway.yaml", yaml);
    assert!(shell.says("check").contains("No model is configured"));
    for stdin in [key.to_owned(), format!("{key}\n"), format!("  {key}\r\n")] {
        let (status, hash, _) = told(&shell, "key hash", &stdin);
        assert_eq!(status, 0);
        assert!(yaml.contains(&format!("hash: {}", hash.trim_end())), "{yaml}: {hash}");
    }
    assert_ne!(shell.run("key new").1, shell.run("key new").1);

    let one: serde_json::Value = serde_json::from_str(&shell.says("key new --json")).unwrap();
    let (status, other, _) = told(&shell, "key hash --json", one["key"].as_str().unwrap());
    let other: serde_json::Value = serde_json::from_str(&other).unwrap();
    assert_eq!((status, &one["hash"]), (0, &other["hash"]));
    assert_eq!((&one["name"], &one["scopes"]), (&"client".into(), &serde_json::json!(["models"])));
}

#[test]
fn keys_that_make_no_sense() {
    let shell = Shell::new();
    let told_of = |arguments, stdin| told(&shell, arguments, stdin).2;
    assert_snapshot!(told_of("key hash", "\n"), @"error: a key is one word of visible ASCII characters");
    assert_snapshot!(told_of("key hash", "two words"), @"error: a key is one word of visible ASCII characters");
    assert_snapshot!(shell.complains(1, "key new --name ::1"), @"error: `::1` is no name of a key: it has 1 to 64 letters, digits and `._-`");
    assert!(
        shell
            .complains(2, "key new --scope all")
            .contains("[possible values: models, agents, admin]")
    );
}

#[test]
fn check_reads_the_certificate() {
    let shell = Shell::with("tls: {cert: c.pem, key: k.pem}");
    let told = shell.complains(1, "check");
    assert!(told.starts_with("error: tls: ") && told.contains("c.pem"), "{told}");
}
