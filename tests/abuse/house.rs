//! The gateway, its providers, and what is looked at when all is quiet.

use std::{fs, net::SocketAddr, time::Duration};

use bytes::Bytes;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    client::Client,
    edits,
    level::{self, Level},
    providers,
};
use switchtower_testkit::clients::{Binary, Provider, Refused, Scrape, encode};

/// The client's key.
const KEY: &str = "the-clients-key-d41d8cd98f00";
/// What the providers' keys begin with.
pub(crate) const PROVIDERS_KEY: &str = "sk-secret-";
/// How long it may take until all is quiet, and a thread that was used to block is gone.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(20);

const THREADS_IDLE: Duration = Duration::from_secs(11);
/// Those that are there once a database is needed, and one or another that looks after files.
const MORE_THREADS: usize = 4;

pub(crate) struct House {
    pub(crate) addr: SocketAddr,
    pub(crate) binary: Binary,
    pub(crate) good: Provider,
    pub(crate) flaky: Provider,
    pub(crate) down: Refused,
    /// Much that is packed into little, by its coding.
    pub(crate) bombs: [(&'static str, Bytes); 2],
}

impl House {
    pub(crate) async fn start() -> Self {
        let (good, flaky) = (providers::good().await, providers::flaky().await);
        let down = Refused::new().expect("a port");
        let yaml = edits::base(&good, &flaky, &down);
        let arenas = std::env::var("MALLOC_ARENA_MAX").unwrap_or_else(|_| "1".to_owned());
        let path = std::env::var("PATH").expect("a path");
        // What one thread has freed is used by the others, so that what is still resident says
        // something within minutes.
        let env = [
            ("PATH", path.as_str()),
            ("KEY", KEY),
            ("RUST_LOG", "info"),
            ("MALLOC_ARENA_MAX", arenas.as_str()),
        ];
        let binary = Binary::start(&yaml, &env).await;
        let plain = vec![b' '; 16 << 20];
        let bombs = [("gzip", encode::gzip(&plain).await), ("zstd", encode::zstd(&plain).await)];
        Self { addr: binary.addr, binary, good, flaky, down, bombs }
    }

    /// A client with the key.
    pub(crate) fn client(&self, is_http2: bool) -> Client {
        Client::new(self.addr, KEY, is_http2)
    }

    /// The head of a request by hand, up to the headers that say how long its body is.
    pub(crate) fn head(&self, start: &str) -> String {
        format!(
            "{start} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {KEY}\r\n\
             content-type: application/json\r\n",
            self.addr
        )
    }

    pub(crate) async fn edit(&self, yaml: &str) {
        fs::write(self.binary.home_path().join("gateway.yaml"), yaml).expect("a file");
        self.binary.signal("HUP").await;
    }

    /// Waits until nothing is under way, takes all providers out of the configuration so that no
    /// connection to one is kept, and looks at what is left.
    pub(crate) async fn rest(&self) -> Level {
        let base = edits::base(&self.good, &self.flaky, &self.down);
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        let mut busy = String::new();
        self.edit(&edits::without_providers()).await;
        while let Err(what) = self.is_quiet().await {
            assert!(Instant::now() < deadline, "{what}");
            busy = what;
            sleep(Duration::from_millis(50)).await;
        }
        if !busy.is_empty() {
            println!("the last to end: {busy}");
        }
        // Threads that are idle end after ten seconds, and hold their stacks until then.
        sleep(THREADS_IDLE).await;
        let mut level = level::settled(self.binary.id()).await;
        level.tasks = self.runtime_tasks().await;
        self.edit(&base).await;
        while self.has_no_models().await {
            assert!(
                Instant::now() < deadline + 2 * SETTLE_TIMEOUT,
                "it does not read its configuration"
            );
            sleep(Duration::from_millis(20)).await;
        }
        level
    }

    async fn is_quiet(&self) -> Result<(), String> {
        let scrape = self.scrape().await;
        for (gauge, own) in
            [("switchtower_requests_in_flight", 1.), ("switchtower_streams_in_flight", 0.)]
        {
            let now = scrape.sum(gauge, &[]);
            if now > own {
                return Err(format!("{gauge} is {now}"));
            }
        }
        let (_, report) = self.client(false).json("/model-gateway/config", None).await;
        if !report["error"].is_null() {
            return Err(format!("the configuration was refused: {report}"));
        }
        for status in ["running", "assigned", "pending"] {
            let path = format!("/tasks?status={status}&limit=10");
            let (_, tasks) = self.client(false).json(&path, None).await;
            if tasks != json!([]) {
                return Err(format!("tasks: {tasks}"));
            }
        }
        match (self.good.connections(), self.flaky.connections()) {
            (0, 0) => Ok::<_, String>(()),
            open => Err(format!("connections to providers: {open:?}")),
        }?;
        if !self.has_no_models().await {
            return Err("there are providers".to_owned());
        }
        Ok(())
    }

    pub(crate) async fn scrape(&self) -> Scrape {
        Scrape::parse(&self.text("/metrics").await)
    }

    async fn runtime_tasks(&self) -> f64 {
        self.scrape().await.sum("switchtower_runtime_tasks", &[])
    }

    async fn text(&self, path: &str) -> String {
        let response = self.client(false).get(path).await;
        let body = http_body_util::BodyExt::collect(response.into_body()).await;
        String::from_utf8(body.expect("a whole body").to_bytes().to_vec()).expect("text")
    }

    async fn has_no_models(&self) -> bool {
        let (_, models) = self.client(false).json("/v1/models", None).await;
        models["data"] == json!([])
    }
}

/// What has to be so in the end.
impl House {
    /// Some tasks end at the next tick of a timer, and threads that were used to block when they
    /// have been idle for a while.
    pub(crate) async fn returns_to(&self, start: &Level) {
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        loop {
            let (tasks, threads) = (self.runtime_tasks().await, level::threads(self.binary.id()));
            if tasks <= start.tasks && threads <= start.threads + MORE_THREADS {
                return;
            }
            assert!(Instant::now() < deadline, "{tasks} tasks, {threads} threads: {start}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Agents have the gateway's home, which no other process has.
    pub(crate) fn nobody_is_left(&self) {
        let home = format!("HOME={}", self.binary.home_path().display());
        let mut left = Vec::new();
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(environment) = fs::read(process.path().join("environ")) else { continue };
            let is_gateway = process.file_name() == *self.binary.id().to_string();
            if !is_gateway && environment.split(|byte| *byte == 0).any(|v| v == home.as_bytes()) {
                let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
                left.push(String::from_utf8_lossy(&command).replace('\0', " "));
            }
        }
        assert!(left.is_empty(), "left: {left:?}");
    }

    pub(crate) async fn told_no_key(&self) {
        let mut told = vec![("log", self.binary.log())];
        for path in ["/metrics", "/model-gateway/stats", "/model-gateway/config", "/tasks"] {
            told.push((path, self.text(path).await));
        }
        for file in fs::read_dir(self.binary.home_path().join("logs")).unwrap() {
            told.push(("log file", fs::read_to_string(file.unwrap().path()).unwrap()));
        }
        for (what, text) in told {
            for word in [KEY, PROVIDERS_KEY, "panicked", "RUST_BACKTRACE"] {
                let line = text.lines().find(|line| line.contains(word));
                assert_eq!(line, None, "{what} has {word}");
            }
        }
    }

    pub(crate) async fn stops(&self) {
        self.binary.signal("TERM").await;
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        while level::is_running(self.binary.id()) {
            assert!(Instant::now() < deadline, "it does not stop");
            sleep(Duration::from_millis(20)).await;
        }
    }
}
