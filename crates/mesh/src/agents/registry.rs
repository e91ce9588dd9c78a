//! Which agents there are, and what is known of each.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use indexmap::IndexMap;

use super::program::{File, Launch};
use super::{Kind, Status, Summary};

/// An agent, as it does not change.
#[derive(Debug, PartialEq)]
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) capabilities: Vec<String>,
    pub(super) timeout: Option<Duration>,
    pub(super) origin: Origin,
    pub(super) reach: Transport,
}

impl Agent {
    pub(super) fn is_registered(&self) -> bool {
        self.origin == Origin::Registered
    }
}

/// Where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Configured,
    /// Listed when its program is found, and always when a rule names it.
    BuiltIn {
        is_named: bool,
    },
    Registered,
}

/// How it is reached.
#[derive(Debug, PartialEq)]
pub(super) enum Transport {
    Program(Launch),
    Endpoint(Uri),
}

/// What was found when it was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reachability {
    /// No such program, or no connection to the endpoint.
    Missing,
    /// The program does not print its version.
    Broken,
    /// The endpoint is not found, or is where no connection may be made to.
    Barred,
    /// The program that was found, if it is one.
    There(Option<File>),
}

#[derive(Debug)]
struct Entry {
    agent: Arc<Agent>,
    sight: Reachability,
    last_seen: Option<u64>,
}

impl Entry {
    fn new(agent: Arc<Agent>) -> Self {
        Self { agent, sight: Reachability::Missing, last_seen: None }
    }

    fn is_listed(&self) -> bool {
        self.agent.origin != Origin::BuiltIn { is_named: false }
            || self.sight != Reachability::Missing
    }

    fn summary(&self, is_at_work: bool) -> Summary {
        let status = match self.sight {
            Reachability::There(_) if is_at_work => Status::Busy,
            Reachability::There(_) => Status::Online,
            _ => Status::Offline,
        };
        Summary {
            id: self.agent.id.clone(),
            name: self.agent.name.clone(),
            r#type: self.agent.kind,
            capabilities: self.agent.capabilities.clone(),
            status,
            last_seen: self.last_seen,
        }
    }
}

/// The agents by their ids, in the order in which they are listed.
#[derive(Debug, Default)]
pub(super) struct Registry {
    entries: IndexMap<String, Entry>,
    /// How many tasks those of an id are at work on, whatever became of them since.
    at_work: HashMap<String, usize>,
}

impl Registry {
    /// Adds one, in the place of another of its id.
    pub(super) fn put(&mut self, agent: Arc<Agent>) {
        self.entries.insert(agent.id.clone(), Entry::new(agent));
    }

    /// Puts these in the place of all that were not registered. Of one that is reached as before it
    /// stays known what was seen of it.
    pub(super) fn replace(&mut self, known: impl IntoIterator<Item = Arc<Agent>>) {
        let mut before = std::mem::take(&mut self.entries);
        for agent in known {
            let entry = match before.shift_remove(&agent.id) {
                Some(old) if *old.agent == *agent => old,
                Some(old) if old.agent.reach == agent.reach => Entry { agent, ..old },
                _ => Entry::new(agent),
            };
            self.entries.insert(entry.agent.id.clone(), entry);
        }
        self.entries.extend(before.into_iter().filter(|(_, entry)| entry.agent.is_registered()));
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.entries.shift_remove(id);
    }

    /// Those that people see.
    pub(super) fn list(&self) -> Vec<Summary> {
        let listed = self.entries.values().filter(|entry| entry.is_listed());
        listed.map(|entry| self.summary_of(entry)).collect()
    }

    /// One that people see.
    pub(super) fn summary(&self, id: &str) -> Option<Summary> {
        let entry = self.entries.get(id).filter(|entry| entry.is_listed())?;
        Some(self.summary_of(entry))
    }

    fn summary_of(&self, entry: &Entry) -> Summary {
        entry.summary(self.at_work.contains_key(&entry.agent.id))
    }

    /// All agents, hidden ones included.
    pub(super) fn all(&self) -> Vec<Arc<Agent>> {
        self.entries.values().map(|entry| entry.agent.clone()).collect()
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Agent>> {
        self.entries.get(id).map(|entry| entry.agent.clone())
    }

    pub(super) fn registered(&self) -> usize {
        self.entries.values().filter(|entry| entry.agent.is_registered()).count()
    }

    /// What was found last time.
    pub(super) fn sight(&self, agent: &Arc<Agent>) -> Option<Reachability> {
        self.entries
            .get(&agent.id)
            .filter(|entry| Arc::ptr_eq(&entry.agent, agent))
            .map(|entry| entry.sight.clone())
    }

    /// It was looked for.
    pub(super) fn saw(&mut self, agent: &Arc<Agent>, sight: Reachability, now: u64) {
        if let Some(entry) = self.entry(agent) {
            if matches!(sight, Reachability::There(_)) {
                entry.last_seen = Some(now);
            }
            entry.sight = sight;
        }
    }

    /// It has begun a task.
    pub(super) fn begin(&mut self, id: &str) {
        *self.at_work.entry(id.to_owned()).or_default() += 1;
    }

    /// It has ended a task.
    pub(super) fn end(&mut self, id: &str) {
        if let Some(runs) = self.at_work.get_mut(id) {
            *runs = runs.saturating_sub(1);
            if *runs == 0 {
                self.at_work.remove(id);
            }
        }
    }

    /// It has done a task well, so it was there.
    pub(super) fn has_answered(&mut self, agent: &Arc<Agent>, now: u64) {
        if let Some(entry) = self.entry(agent) {
            entry.last_seen = Some(now);
            if entry.sight == Reachability::Missing || entry.sight == Reachability::Broken {
                entry.sight = Reachability::There(None);
            }
        }
    }

    /// Unless another has taken its place.
    fn entry(&mut self, agent: &Arc<Agent>) -> Option<&mut Entry> {
        self.entries.get_mut(&agent.id).filter(|entry| Arc::ptr_eq(&entry.agent, agent))
    }
}

#[cfg(test)]
mod tests;
