//! Agents that come and go while the gateway runs.

use std::sync::Arc;

use http::Uri;
use tokio::time::timeout;

use super::registry::{Agent, Origin, Transport};
use super::{
    Agents, MAX_REGISTERED, RegisterError, Registration, Status, Summary, UnregisterError,
    endpoint, health, records,
};
use crate::events::Event;

impl Agents {
    /// Adds an endpoint, in the place of another that was registered under its id. It is looked at
    /// once before this returns, for at most a second.
    ///
    /// # Errors
    ///
    /// When it is not as it should be, when its id is that of one that was not registered, and when
    /// it cannot be kept.
    pub async fn register(&self, registration: Registration) -> Result<Summary, RegisterError> {
        let inner = &self.inner;
        let allow_remote = inner.settings().client.allow_remote;
        let uri = registration.check(allow_remote)?;
        let addresses = timeout(endpoint::DEADLINE, endpoint::resolve(&uri, allow_remote));
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

        health::look(inner, &agent, false).await;
        let Some(summary) = self.get(&agent.id) else {
            return Ok(summary_of(&agent));
        };
        inner.events.publish(&Event::AgentRegistered { agent: summary.clone() }, None, None);
        Ok(summary)
    }

    /// Those that are kept. One whose endpoint may not be connected to any more is among them: it is
    /// offline.
    pub(super) async fn registered(&self) -> Vec<Arc<Agent>> {
        let database = &self.inner.database;
        if !database.exists() {
            return Vec::new();
        }
        let registered = records::registered(database).await.unwrap_or_else(|error| {
            tracing::error!("the registered agents are not known: {error}");
            Vec::new()
        });
        let agent = |registration: Registration| match registration.check(true) {
            Ok(endpoint) => Some(Arc::new(registered_agent(registration, endpoint))),
            Err(error) => {
                let id = registration.id;
                tracing::warn!("the registered agent `{id}` is left out: {error}");
                None
            }
        };
        registered.into_iter().filter_map(agent).collect()
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

/// As it is from then on.
fn registered_agent(registration: Registration, endpoint: Uri) -> Agent {
    let Registration { id, name, kind, capabilities, endpoint: _ } = registration;
    let (origin, reach) = (Origin::Registered, Transport::Endpoint(endpoint));
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
