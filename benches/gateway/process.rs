//! The processes under measurement.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

pub(crate) const PROVIDER: &str = "--provider";
pub(crate) const BARE: &str = "--bare";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Provider,
    Bare,
    Gateway,
}

/// A running process. It is killed when this is dropped.
pub(crate) struct Process {
    pub(crate) role: Role,
    pub(crate) address: SocketAddr,
    child: Child,
    /// Gone with it.
    home: Option<TempDir>,
}

impl Process {
    pub(crate) fn provider() -> Self {
        Self::this(Role::Provider, &[PROVIDER])
    }

    pub(crate) fn bare(provider: SocketAddr) -> Self {
        Self::this(Role::Bare, &[BARE, &provider.to_string()])
    }

    /// With every layer on, and room for all the streams that are opened to measure memory.
    pub(crate) fn gateway(provider: SocketAddr) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let yaml = format!(
            "port: 0
dataDir: {0}/data
logLevel: warn
limits: {{connections: 20000, streams_per_client: 20000}}
models:
  providers:
    bench:
      base_url: http://{provider}/v1
      api_key: sk-provider
      models: [bench-plain, bench-stream, bench-burst, bench-idle]
  rate_limit: {{/v1: {{rpm: 100000000}}}}
  budgets: {{default: {{tokens_per_day: 1000000000000}}}}
  prices: {{default: {{input_per_mtok: 1, output_per_mtok: 2}}}}
",
            home.path().display()
        );
        let path = home.path().join("gateway.yaml");
        fs::write(&path, yaml).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchtower"));
        command.arg("serve").arg("--config").arg(path).current_dir(home.path());
        let mut process = Self::start(Role::Gateway, command);
        process.home = Some(home);
        process
    }

    /// This program in another role.
    fn this(role: Role, arguments: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a path"));
        command.args(arguments);
        Self::start(role, command)
    }

    fn start(role: Role, mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = lines
            .find_map(|line| line.ok().filter(|line| line.contains("listens on http://")))
            .expect("its address");
        // Whatever else it says must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let address = line.rsplit('/').next().and_then(|text| text.parse().ok());
        Self { role, address: address.expect("an address"), child, home: None }
    }

    /// The CPU time of all its threads, as the scheduler counts it.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let nanoseconds = tasks.filter_map(|task| {
            let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    /// Its resident memory, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        let kilobytes = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
        kilobytes << 10
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reports the listening address to the parent process.
pub(crate) fn announce(address: SocketAddr) {
    println!("listens on http://{address}");
    let _ = std::io::stdout().flush();
}

/// As many open files as the system lets a user have.
pub(crate) fn raise_limits() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
