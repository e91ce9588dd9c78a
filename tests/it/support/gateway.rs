//! A gateway in this process, over a real socket.

use std::net::SocketAddr;

use switchtower::{
    app::Gateway as Server,
    config::{Config, Env},
    reload::Reloader,
};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

use switchtower_testkit::clients::{Provider, soon};

/// A configuration with one provider, named `main`, that lists the model `m`.
pub(crate) fn yaml(base_url: &str, settings: &str) -> String {
    format!(
        "models: {{retry: {{max_retries: 0}}, circuit_breaker: {{failure_threshold: 0}}, \
         providers: {{main: {{base_url: \"{base_url}\", api_key: sk-main, models: [m]}}}}}}\n\
         {settings}\n"
    )
}

/// A running gateway. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) addr: SocketAddr,
    /// At `wsPort`, if there is one.
    pub(crate) ws_addr: Option<SocketAddr>,
    config: Config,
    reloader: Reloader,
    shutdown: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
    /// What it keeps is in there, and gone with it.
    _data: TempDir,
}

impl Gateway {
    /// Runs on a free port with this configuration, apart from the port.
    ///
    /// What it does not speak of is off: retries and circuit breakers would change the number of
    /// attempts, which most tests pin.
    pub(crate) async fn start(yaml: &str) -> Self {
        let mut config = Config::from_yaml("test.yaml", yaml, &Env::empty())
            .unwrap_or_else(|error| panic!("{error}"));
        config.port = 0;
        let data = tempfile::tempdir().expect("a temporary directory");
        if !yaml.contains("dataDir") && !yaml.contains("data_dir") {
            config.data_dir = data.path().join("data");
        }
        for provider in config.models.providers.values_mut() {
            if !yaml.contains("retry:") {
                provider.retry.max_retries = 0;
            }
            if !yaml.contains("circuit_breaker:") {
                provider.circuit_breaker.failure_threshold = 0;
            }
        }
        let server = Server::bind(&config).await.expect("a free port");
        let (addr, reloader) = (server.local_addr(), server.reloader());
        let ws_addr = server.ws_addr();
        let (shutdown, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async move {
            let _ = stopped.await;
        }));
        Self { addr, ws_addr, config, reloader, shutdown: Some(shutdown), running, _data: data }
    }

    /// Runs in front of one provider, named `main`, that lists the model `m`.
    pub(crate) async fn before(provider: &Provider) -> Self {
        Self::with(provider, "").await
    }

    /// The same, with more settings at the top level.
    pub(crate) async fn with(provider: &Provider, settings: &str) -> Self {
        Self::at(&provider.base_url(), settings).await
    }

    /// The same, for a provider that is only an address.
    pub(crate) async fn at(base_url: &str, settings: &str) -> Self {
        Self::start(&yaml(base_url, settings)).await
    }

    /// Has it take up the same configuration again, as SIGHUP does.
    pub(crate) async fn reload(&self) -> Result<(), String> {
        let reloaded = soon(self.reloader.reload(self.config.clone())).await;
        reloaded.map(drop).map_err(|error| error.to_string())
    }

    /// Asks it to stop, as SIGTERM does, without waiting for it.
    pub(crate) fn stop(&mut self) {
        drop(self.shutdown.take());
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(&mut self) {
        soon(&mut self.running).await.expect("no panic");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.running.abort();
    }
}
