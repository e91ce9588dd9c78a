//! Another configuration while agents are at work.

use std::sync::Arc;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::endpoint::Client;
use super::registry::{Agent, Reachability, Registry};
use super::{Agents, FIRST_LOOK, Settings, Summary, builtin, health};
use crate::events::Event;
use switchtower_config::Config;
use switchtower_platform::clock::now;

impl Agents {
    /// Goes on by another configuration. Agents that are gone from it take no more tasks, and end
    /// the ones they are at work on; those that are new are there; those that have changed do so
    /// with the next task. Registered ones stay, unless their ids are configured now, and are back
    /// once these are not any more. `then` is called as soon as that is so, before they are looked at.
    pub async fn reconfigure(&self, config: &Arc<Config>, then: impl FnOnce()) {
        let inner = &self.inner;
        let before = inner.settings();
        let allow_remote = config.allow_remote_agents;
        let client = match before.client.allow_remote == allow_remote {
            true => before.client.clone(),
            false => Client::new(allow_remote),
        };
        *inner.settings.lock() = Arc::new(Settings { config: config.clone(), client });
        if is_same(&before.config, config) {
            return then();
        }
        let config = config.clone();
        let known = spawn_blocking(move || builtin::looked_up(&config)).await;
        // Else the process ends.
        let Ok(known) = known else { return };

        let _registering = inner.registering.lock().await;
        let registered = self.registered().await;
        let listed = self.list();
        {
            let mut registry = inner.registry.lock();
            take_up(&mut registry, known);
            put_back(&mut registry, registered);
        }
        then();
        let _ = timeout(FIRST_LOOK, health::look_at(inner, inner.endpoints())).await;
        self.tell(&listed);
        inner.changed.notify_one();
    }

    /// Publishes which agents were added and removed.
    fn tell(&self, before: &[Summary]) {
        let listed = self.list();
        let publish = |event: &Event| self.inner.events.publish(event, None, None);
        for agent in before.iter().filter(|old| listed.iter().all(|agent| agent.id != old.id)) {
            publish(&Event::AgentUnregistered { agent_id: agent.id.clone() });
        }
        for agent in listed {
            if !before.iter().any(|old| looks_the_same(old, &agent)) {
                publish(&Event::AgentRegistered { agent });
            }
        }
    }
}

/// Puts these in the place of those that were known before. A program counts as one that runs
/// until it is known not to.
pub(super) fn take_up(registry: &mut Registry, known: Vec<(Arc<Agent>, bool)>) {
    registry.replace(known.iter().map(|(agent, _)| agent.clone()));
    for (agent, is_found) in known {
        if is_found && registry.sight(&agent) == Some(Reachability::Missing) {
            registry.saw(&agent, Reachability::There(None), now());
        }
    }
}

/// Adds those that were registered and are not there, unless their ids are taken.
pub(super) fn put_back(registry: &mut Registry, registered: Vec<Arc<Agent>>) {
    for agent in registered {
        match registry.get(&agent.id) {
            None => registry.put(agent),
            Some(there) if there.is_registered() => {}
            Some(there) => {
                let id = &there.id;
                tracing::warn!("the registered agent `{id}` is left out: it is configured now");
            }
        }
    }
}

/// Whether the agents are.
fn is_same(a: &Config, b: &Config) -> bool {
    a.agents == b.agents && a.routing == b.routing && a.allow_remote_agents == b.allow_remote_agents
}

/// To people, apart from how it is.
fn looks_the_same(a: &Summary, b: &Summary) -> bool {
    (&a.id, &a.name, a.r#type, &a.capabilities) == (&b.id, &b.name, b.r#type, &b.capabilities)
}
