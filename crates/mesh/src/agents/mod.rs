//! Agents: programs on this machine, and endpoints.
//!
//! Agents come from the configuration, from the well-known command-line agents where they are
//! installed or a rule names them, and from endpoints that are registered while the gateway runs,
//! which are restored after a restart. Their health is checked in the background: each minute, and
//! after a task that failed.
//!
//! | what | default |
//! |---|---|
//! | a look at an endpoint | TCP, 1 s |
//! | a look at a program | found on `PATH`; of the well-known ones `--version`, 5 s |
//! | between SIGTERM and SIGKILL | 2 s |
//! | the most that are registered | 256 |
//!
//! The other bounds are those of [`TasksConfig`](switchtower_config::TasksConfig).

mod builtin;
mod directory;
mod endpoint;
mod health;
mod orphans;
mod probe;
mod program;
mod reconfigure;
mod records;
mod registering;
mod registration;
mod registry;
mod runner;
mod types;

pub use directory::check_directory;
pub use probe::{ProbeState, ProbedAgent, survey};
pub use registration::{RegisterError, Registration, UnregisterError};
pub use types::{Fault, Kind, Output, Status, Stream, Summary, Work};

pub(super) use records::SCHEMA;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::endpoint::Client;
use self::registry::{Agent, Registry, Transport};
use super::database::Database;
use super::events::Events;
use switchtower_config::Config;

/// The most agents that are registered.
pub const MAX_REGISTERED: usize = 256;
/// How long a first look at the endpoints, which are on this machine, is waited for at the start and
/// with another configuration.
const FIRST_LOOK: Duration = Duration::from_millis(100);
/// Shutdown timeout for running agents, which are killed after 2 s.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// The most looks that were asked for and wait.
const LOOKS: usize = 64;

/// The agents. A handle: clones share them.
#[derive(Clone, Debug)]
pub struct Agents {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    registry: Mutex<Registry>,
    database: Database,
    events: Events,
    settings: Mutex<Arc<Settings>>,
    /// Registering is one at a time, and apart from another configuration, so that the database
    /// says the same as the registry.
    registering: tokio::sync::Mutex<()>,
    /// Asks for a look at an agent.
    looks: mpsc::Sender<Arc<Agent>>,
    /// Taken by the start.
    asked: Mutex<Option<mpsc::Receiver<Arc<Agent>>>>,
    /// Asks for a look at all of them.
    changed: Arc<Notify>,
    /// Ends all runs, and the watch.
    end: CancellationToken,
    runs: TaskTracker,
}

/// What another configuration changes.
#[derive(Debug)]
struct Settings {
    config: Arc<Config>,
    client: Client,
}

impl Inner {
    fn settings(&self) -> Arc<Settings> {
        self.settings.lock().clone()
    }

    /// Those that are endpoints.
    fn endpoints(&self) -> Vec<Arc<Agent>> {
        let mut all = self.registry.lock().all();
        all.retain(|agent| matches!(agent.reach, Transport::Endpoint(_)));
        all
    }
}

impl Agents {
    /// The configured ones, and the well-known ones that are on `PATH`.
    #[must_use]
    pub fn new(config: &Arc<Config>, database: Database, events: Events) -> Self {
        let mut registry = Registry::default();
        reconfigure::take_up(&mut registry, builtin::looked_up(config));
        let (looks, asked) = mpsc::channel(LOOKS);
        Self {
            inner: Arc::new(Inner {
                registry: Mutex::new(registry),
                database,
                events,
                settings: Mutex::new(Arc::new(Settings {
                    config: config.clone(),
                    client: Client::new(config.allow_remote_agents),
                })),
                registering: tokio::sync::Mutex::new(()),
                looks,
                asked: Mutex::new(Some(asked)),
                changed: Arc::new(Notify::new()),
                end: CancellationToken::new(),
                runs: TaskTracker::new(),
            }),
        }
    }

    /// Restores registered agents, kills what the last process has left running, and starts the
    /// health checks.
    pub async fn start(&self) {
        let inner = &self.inner;
        if inner.database.exists() {
            orphans::take_up(&inner.database).await;
        }
        let registered = self.registered().await;
        reconfigure::put_back(&mut inner.registry.lock(), registered);
        let _ = timeout(FIRST_LOOK, health::look_at(inner, inner.endpoints())).await;
        let asked = inner.asked.lock().take();
        if let Some(asked) = asked {
            let watch = health::watch(Arc::downgrade(inner), asked, inner.changed.clone());
            let end = inner.end.clone();
            tokio::spawn(async move { end.run_until_cancelled(watch).await });
        }
    }

    /// Ends what still runs, and waits until nothing of it is left.
    pub async fn stop(&self) {
        self.inner.end.cancel();
        self.inner.runs.close();
        if timeout(SHUTDOWN_TIMEOUT, self.inner.runs.wait()).await.is_err() {
            tracing::warn!("some agents did not end");
        }
    }

    /// Resolves when all runs have been stopped, and none of their processes is left.
    pub async fn stopped(&self) {
        self.inner.runs.wait().await;
    }

    /// Lists the agents: configured, built-in, registered, in this order.
    #[must_use]
    pub fn list(&self) -> Vec<Summary> {
        self.inner.registry.lock().list()
    }

    /// One agent by its id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Summary> {
        self.inner.registry.lock().summary(id)
    }
}
