//! Who can be given tasks: programs on this machine, and endpoints.
//!
//! There are those that the configuration lists, the well-known command-line agents where they are
//! installed or a rule names them, and endpoints that are registered while the gateway runs, which
//! are there again after a restart. Who is there is looked at in the background: each minute, and
//! after a task that failed.
//!
//! | what | default |
//! |---|---|
//! | a look at an endpoint | TCP, 1 s |
//! | a look at a program | found on `PATH`; of the well-known ones `--version`, 5 s |
//! | between SIGTERM and SIGKILL | 2 s |
//! | the most that are registered | 256 |
//!
//! The other bounds are those of [`TasksConfig`](crate::config::TasksConfig).

mod endpoint;
mod known;
mod leftovers;
mod program;
mod records;
mod registration;
mod registry;
mod types;
mod watch;

pub use registration::{RegisterError, Registration, UnregisterError};
pub use types::{Fault, Kind, Output, Status, Stream, Summary, Work};

pub(super) use records::SCHEMA;

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::endpoint::Client;
use self::leftovers::Trace;
use self::registry::{Agent, Origin, Reach, Registry, Sight};
use super::database::Database;
use super::events::{Event, Events};
use super::now;
use super::tasks::{Runner, Running};
use crate::config::{Config, TasksConfig};

/// The most agents that are registered.
pub const MAX_REGISTERED: usize = 256;
/// How long the start waits for a first look at the endpoints, which are on this machine.
const FIRST_LOOK: Duration = Duration::from_millis(100);
/// How long the end waits for what still runs, which is killed after 2 s.
const LAST: Duration = Duration::from_secs(5);
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
    client: Client,
    allow_remote: bool,
    tasks: TasksConfig,
    /// Registering is one at a time, so that the database says the same as the registry.
    registering: tokio::sync::Mutex<()>,
    /// Asks for a look at an agent.
    looks: mpsc::Sender<Arc<Agent>>,
    /// Taken by the start.
    asked: Mutex<Option<mpsc::Receiver<Arc<Agent>>>>,
    /// Ends all runs, and the watch.
    end: CancellationToken,
    runs: TaskTracker,
}

impl Agents {
    /// The configured ones, and the well-known ones that are on `PATH`.
    #[must_use]
    pub fn new(config: &Arc<Config>, database: Database, events: Events) -> Self {
        let mut registry = Registry::default();
        for agent in known::known(config) {
            let agent = Arc::new(agent);
            registry.put(agent.clone());
            // A program counts as one that runs until it is known not to.
            if let Reach::Program(launch) = &agent.reach
                && launch.find().is_some()
            {
                registry.saw(&agent, Sight::There(None), now());
            }
        }
        let (looks, asked) = mpsc::channel(LOOKS);
        Self {
            inner: Arc::new(Inner {
                registry: Mutex::new(registry),
                database,
                events,
                client: Client::new(config.allow_remote_agents),
                allow_remote: config.allow_remote_agents,
                tasks: config.tasks,
                registering: tokio::sync::Mutex::new(()),
                looks,
                asked: Mutex::new(Some(asked)),
                end: CancellationToken::new(),
                runs: TaskTracker::new(),
            }),
        }
    }

    /// Reads back those that were registered, ends what the last process has left running, and
    /// begins to look at who is there.
    pub async fn start(&self) {
        let inner = &self.inner;
        if inner.database.exists() {
            leftovers::take_up(&inner.database).await;
            self.read_back().await;
        }
        let endpoints = inner.registry.lock().all();
        let endpoints =
            endpoints.into_iter().filter(|agent| matches!(agent.reach, Reach::Endpoint(_)));
        let _ = timeout(FIRST_LOOK, watch::look_at(inner, endpoints.collect())).await;
        let asked = inner.asked.lock().take();
        if let Some(asked) = asked {
            let (end, watch) = (inner.end.clone(), watch::watch(Arc::downgrade(inner), asked));
            tokio::spawn(async move { end.run_until_cancelled(watch).await });
        }
    }

    async fn read_back(&self) {
        let registered = match records::registered(&self.inner.database).await {
            Ok(registered) => registered,
            Err(error) => {
                tracing::error!("the registered agents are not known: {error}");
                return;
            }
        };
        for registration in registered {
            let id = &registration.id;
            let endpoint = match registration.check(self.inner.allow_remote) {
                Ok(endpoint) => endpoint,
                Err(error) => {
                    tracing::warn!("the registered agent `{id}` is left out: {error}");
                    continue;
                }
            };
            let mut registry = self.inner.registry.lock();
            if registry.get(id).is_some() {
                tracing::warn!("the registered agent `{id}` is left out: it is configured now");
                continue;
            }
            registry.put(Arc::new(registered_agent(registration, endpoint)));
        }
    }

    /// Ends what still runs, and waits until nothing of it is left.
    pub async fn stop(&self) {
        self.inner.end.cancel();
        self.inner.runs.close();
        if timeout(LAST, self.inner.runs.wait()).await.is_err() {
            tracing::warn!("some agents did not end");
        }
    }

    /// All of them: configured, built in, registered, in this order.
    #[must_use]
    pub fn list(&self) -> Vec<Summary> {
        self.inner.registry.lock().list()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Summary> {
        self.inner.registry.lock().summary(id)
    }

    /// Adds an endpoint, in the place of another that was registered under its id. It is looked at
    /// once before this returns, for at most a second.
    ///
    /// # Errors
    ///
    /// When it is not as it should be, when its id is that of one that was not registered, and when
    /// it cannot be kept.
    pub async fn register(&self, registration: Registration) -> Result<Summary, RegisterError> {
        let inner = &self.inner;
        let uri = registration.check(inner.allow_remote)?;
        let addresses = timeout(endpoint::DEADLINE, endpoint::resolve(&uri, inner.allow_remote));
        let addresses = addresses.await.unwrap_or_else(|_| Err("its name is not found".to_owned()));
        addresses.map_err(|message| RegisterError::Invalid { field: "endpoint", message })?;

        let registering = inner.registering.lock().await;
        let (origin, count) = {
            let registry = inner.registry.lock();
            (registry.get(&registration.id).map(|agent| agent.origin), registry.registered())
        };
        match origin {
            Some(Origin::Registered) => {}
            Some(_) => return Err(RegisterError::Taken),
            None if count >= MAX_REGISTERED => return Err(RegisterError::Full),
            None => {}
        }
        let kept = records::register(&inner.database, &registration).await;
        kept.map_err(RegisterError::Database)?;
        let agent = Arc::new(registered_agent(registration, uri));
        inner.registry.lock().put(agent.clone());
        drop(registering);

        watch::look(inner, &agent, false).await;
        let Some(summary) = self.get(&agent.id) else {
            return Ok(summary_of(&agent));
        };
        inner.events.publish(&Event::AgentRegistered { agent: summary.clone() }, None, None);
        Ok(summary)
    }

    /// Removes one that was registered. What it is at work on goes on.
    ///
    /// # Errors
    ///
    /// When there is none, or it was not registered.
    pub async fn unregister(&self, id: &str) -> Result<(), UnregisterError> {
        let inner = &self.inner;
        let _registering = inner.registering.lock().await;
        let known = { inner.registry.lock().get(id) };
        match known.map(|agent| agent.origin) {
            Some(Origin::Registered) => {}
            Some(_) if self.get(id).is_some() => return Err(UnregisterError::NotRegistered),
            _ => return Err(UnregisterError::Unknown),
        }
        records::unregister(&inner.database, id).await.map_err(UnregisterError::Database)?;
        inner.registry.lock().remove(id);
        inner.events.publish(&Event::AgentUnregistered { agent_id: id.to_owned() }, None, None);
        Ok(())
    }
}

fn registered_agent(registration: Registration, endpoint: Uri) -> Agent {
    let Registration { id, name, kind, capabilities, endpoint: _ } = registration;
    let (origin, reach) = (Origin::Registered, Reach::Endpoint(endpoint));
    Agent { id, name, kind, capabilities, timeout: None, origin, reach }
}

/// One that was removed again at once.
fn summary_of(agent: &Agent) -> Summary {
    Summary {
        id: agent.id.clone(),
        name: agent.name.clone(),
        r#type: agent.kind,
        capabilities: agent.capabilities.clone(),
        status: Status::Offline,
        last_seen: None,
    }
}

impl Runner for Agents {
    fn agents(&self) -> Vec<Summary> {
        self.list()
    }

    fn run(&self, work: Work) -> Running {
        let inner = self.inner.clone();
        Box::pin(async move {
            let known = { inner.registry.lock().get(&work.agent) };
            let Some(agent) = known else {
                return Err(Fault::Failed(format!("there is no agent `{}`", work.agent)));
            };
            let on = On::begin(&inner, &agent);
            let result = on.run(work).await;
            match &result {
                Ok(_) => inner.registry.lock().has_answered(&agent, now()),
                // Perhaps it is not there any more.
                Err(Fault::Failed(_)) => drop(inner.looks.try_send(agent.clone())),
                Err(Fault::Cancelled) => {}
            }
            result
        })
    }
}

/// An agent at work, which is busy for so long.
struct On<'a> {
    inner: &'a Inner,
    agent: &'a Arc<Agent>,
}

impl<'a> On<'a> {
    fn begin(inner: &'a Inner, agent: &'a Arc<Agent>) -> Self {
        inner.registry.lock().begin(agent);
        Self { inner, agent }
    }

    async fn run(&self, work: Work) -> Result<Output, Fault> {
        let Self { inner, agent } = self;
        // Whoever stops the agents waits for this.
        let token = inner.runs.token();
        let timeout = work.timeout.or(agent.timeout).unwrap_or(inner.tasks.timeout);
        let output_limit = inner.tasks.output_limit;
        let cancel = [work.cancel, inner.end.clone()];
        if cancel.iter().any(CancellationToken::is_cancelled) {
            return Err(Fault::Cancelled);
        }
        match &agent.reach {
            Reach::Endpoint(uri) => {
                let Work { task, text, .. } = work;
                let order = endpoint::Order { task, text, timeout, output_limit, cancel };
                endpoint::run(&inner.client, uri, order).await
            }
            Reach::Program(launch) => {
                let search = {
                    let launch = launch.clone();
                    move || launch.find()
                };
                let path = tokio::task::spawn_blocking(search).await.ok().flatten();
                let Some(path) = path else {
                    let command = &launch.program.command;
                    let message = format!("`{command}` is not found, or cannot be run");
                    return Err(Fault::Failed(message));
                };
                let mut trace = Trace::begin(&inner.database, &work.task, &agent.id, token).await;
                let Work { task, text, progress, .. } = work;
                let agent = agent.id.clone();
                let order =
                    program::Order { agent, task, text, timeout, output_limit, progress, cancel };
                program::run(launch, &path, order, &mut trace).await
            }
        }
    }
}

impl Drop for On<'_> {
    fn drop(&mut self) {
        self.inner.registry.lock().end(self.agent);
    }
}
