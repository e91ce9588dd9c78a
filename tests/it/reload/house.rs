//! A running gateway, and the file that its configuration is in.

use std::{fs, net::SocketAddr, path::PathBuf};

use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::{
    recorded_response::Seen,
    support::{Binary, CHAT, Provider, TEST_TIMEOUT, client, get, post, send},
};

/// Twice as long as usual: a change is seen after two looks, a second apart.
const RELOAD_TIMEOUT: Duration = TEST_TIMEOUT.saturating_mul(2);

/// A configuration with these providers, of which each lists the model `m`, and further lines of
/// `models`.
pub(crate) fn yaml(providers: &[(&str, &Provider)], settings: &[&str]) -> String {
    let mut yaml = String::from("models:\n  retry: {max_retries: 0}\n  providers:\n");
    for (name, provider) in providers {
        let url = provider.base_url();
        yaml += &format!("    {name}: {{base_url: \"{url}\", api_key: sk-{name}, models: [m]}}\n");
    }
    for line in settings {
        yaml += &format!("  {line}\n");
    }
    yaml
}

pub(crate) fn question(stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]})
}

pub(crate) struct House {
    pub(crate) binary: Binary,
    reloads: u64,
}

impl House {
    pub(crate) async fn start(yaml: &str) -> Self {
        Self::of(Binary::start(yaml, &[]).await)
    }

    pub(crate) fn of(binary: Binary) -> Self {
        Self { binary, reloads: 0 }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.binary.addr
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.binary.home_path().join("gateway.yaml")
    }

    pub(crate) fn write(&self, yaml: &str) {
        fs::write(self.file(), yaml).expect("a file");
    }

    /// Has it take up another configuration, at once.
    pub(crate) async fn reload(&mut self, yaml: &str) {
        self.write(yaml);
        self.binary.signal("HUP").await;
        self.reloaded().await;
    }

    /// Waits until it has taken up one more.
    pub(crate) async fn reloaded(&mut self) -> Value {
        self.reloads += 1;
        let reloads = self.reloads;
        self.until(|report| report["reloads"].as_u64() >= Some(reloads)).await
    }

    /// Waits until it has refused one.
    pub(crate) async fn refused(&self) -> Value {
        self.until(|report| report["error"].is_object()).await
    }

    pub(crate) async fn until(&self, condition: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + RELOAD_TIMEOUT;
        loop {
            let report = self.report().await;
            if condition(&report) {
                return report;
            }
            assert!(Instant::now() < deadline, "{report}\n{}", self.binary.log());
            sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn report(&self) -> Value {
        client::json(send(self.addr(), get("/model-gateway/config")).await).await
    }

    /// Asks, and reads the answer to its end.
    pub(crate) async fn ask(&self) -> Seen {
        Seen::read(send(self.addr(), post(CHAT, &question(false))).await).await
    }

    /// The provider that answers now.
    pub(crate) async fn answers(&self) -> String {
        let seen = self.ask().await;
        assert_eq!(seen.status, 200, "{}", seen.text());
        seen.header("x-switchtower-provider").to_owned()
    }
}
