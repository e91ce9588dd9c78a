//! The agent side: local command-line agents, their tasks, the spaces they share, and the events.

pub mod agents;
pub mod database;
pub mod events;
pub mod spaces;
pub mod tasks;

use std::sync::Arc;

use agents::Agents;
use database::Database;
use events::Events;
use spaces::Spaces;
use tasks::Tasks;

use switchtower_config::Config;

/// The agent side as a whole. A handle: clones share everything.
#[derive(Clone, Debug)]
pub struct Mesh {
    /// The agents.
    pub agents: Agents,
    /// The tasks.
    pub tasks: Tasks,
    /// Shared messages and artifacts of tasks.
    pub spaces: Spaces,
    /// The events of agents, tasks and spaces.
    pub events: Events,
    database: Database,
}

impl Mesh {
    /// A mesh with this configuration. Does not touch the disk, and runs nothing yet.
    #[must_use]
    pub fn new(config: &Arc<Config>) -> Self {
        let database = Database::new(&config.data_dir);
        let events = Events::new();
        let agents = Agents::new(config, database.clone(), events.clone());
        let spaces = Spaces::new(database.clone(), events.clone());
        let runner = Arc::new(agents.clone());
        let tasks = Tasks::new(config, database.clone(), runner, spaces.clone(), events.clone());
        Self { agents, tasks, spaces, events, database }
    }

    /// Opens the database, if anything was ever kept there. Without it the gateway would serve
    /// without the tasks that wait and the agents that were registered, and not take them up later.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, as when another process has it. The error says what to do.
    pub async fn open(&self) -> Result<(), database::Error> {
        match self.database.exists() {
            true => self.database.call(|_| Ok(())).await,
            false => Ok(()),
        }
    }

    /// Takes up what the last process left: registered agents are there again, tasks that were
    /// running have failed, and those that waited go on waiting.
    pub async fn start(&self) {
        self.agents.start().await;
        self.tasks.start().await;
    }

    /// Goes on by another configuration: see [`Agents::reconfigure`] and [`Tasks::reconfigure`].
    pub async fn reconfigure(&self, config: &Arc<Config>) {
        // Rules and the agents that they name change together.
        self.agents.reconfigure(config, || self.tasks.reconfigure(config)).await;
    }

    /// Takes no more tasks, ends those that run, with all their processes, closes the event streams,
    /// and lets go of the database.
    pub async fn stop(&self) {
        self.tasks.stop().await;
        self.agents.stop().await;
        self.events.close();
        self.database.close().await;
    }
}
