//! Which agents there are, and what is known of each.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use indexmap::IndexMap;

use super::program::{File, Launch};
use super::{Kind, Status, Summary};

/// An agent, as it does not change.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) capabilities: Vec<String>,
    pub(super) timeout: Option<Duration>,
    pub(super) origin: Origin,
    pub(super) reach: Reach,
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
#[derive(Debug)]
pub(super) enum Reach {
    Program(Launch),
    Endpoint(Uri),
}

/// What was found when it was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// No such program, or nobody at the endpoint.
    Missing,
    /// The program does not even tell its version.
    Broken,
    /// The program that was found, if it is one.
    There(Option<File>),
}

#[derive(Debug)]
struct Entry {
    agent: Arc<Agent>,
    sight: Sight,
    last_seen: Option<u64>,
    /// How many tasks it is at work on.
    runs: usize,
}

impl Entry {
    fn is_listed(&self) -> bool {
        self.agent.origin != Origin::BuiltIn { is_named: false } || self.sight != Sight::Missing
    }

    fn summary(&self) -> Summary {
        let status = match self.sight {
            Sight::There(_) if self.runs > 0 => Status::Busy,
            Sight::There(_) => Status::Online,
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
pub(super) struct Registry(IndexMap<String, Entry>);

impl Registry {
    /// Adds one, in the place of another of its id.
    pub(super) fn put(&mut self, agent: Arc<Agent>) {
        let entry = Entry { agent, sight: Sight::Missing, last_seen: None, runs: 0 };
        self.0.insert(entry.agent.id.clone(), entry);
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.0.shift_remove(id);
    }

    /// Those that people see.
    pub(super) fn list(&self) -> Vec<Summary> {
        self.0.values().filter(|entry| entry.is_listed()).map(Entry::summary).collect()
    }

    /// One that people see.
    pub(super) fn summary(&self, id: &str) -> Option<Summary> {
        self.0.get(id).filter(|entry| entry.is_listed()).map(Entry::summary)
    }

    /// All of them, also those that nobody sees.
    pub(super) fn all(&self) -> Vec<Arc<Agent>> {
        self.0.values().map(|entry| entry.agent.clone()).collect()
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Agent>> {
        self.0.get(id).map(|entry| entry.agent.clone())
    }

    pub(super) fn registered(&self) -> usize {
        self.0.values().filter(|entry| entry.agent.origin == Origin::Registered).count()
    }

    /// What was found last time.
    pub(super) fn sight(&self, agent: &Arc<Agent>) -> Option<Sight> {
        self.0
            .get(&agent.id)
            .filter(|entry| Arc::ptr_eq(&entry.agent, agent))
            .map(|e| e.sight.clone())
    }

    /// It was looked for.
    pub(super) fn saw(&mut self, agent: &Arc<Agent>, sight: Sight, now: u64) {
        if let Some(entry) = self.entry(agent) {
            if matches!(sight, Sight::There(_)) {
                entry.last_seen = Some(now);
            }
            entry.sight = sight;
        }
    }

    /// It has begun a task.
    pub(super) fn begin(&mut self, agent: &Arc<Agent>) {
        if let Some(entry) = self.entry(agent) {
            entry.runs += 1;
        }
    }

    /// It has ended a task.
    pub(super) fn end(&mut self, agent: &Arc<Agent>) {
        if let Some(entry) = self.entry(agent) {
            entry.runs = entry.runs.saturating_sub(1);
        }
    }

    /// It has done a task well, so it was there.
    pub(super) fn has_answered(&mut self, agent: &Arc<Agent>, now: u64) {
        if let Some(entry) = self.entry(agent) {
            entry.last_seen = Some(now);
            if entry.sight == Sight::Missing || entry.sight == Sight::Broken {
                entry.sight = Sight::There(None);
            }
        }
    }

    /// Unless another has taken its place.
    fn entry(&mut self, agent: &Arc<Agent>) -> Option<&mut Entry> {
        self.0.get_mut(&agent.id).filter(|entry| Arc::ptr_eq(&entry.agent, agent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(id: &str, origin: Origin) -> Arc<Agent> {
        Arc::new(Agent {
            id: id.to_owned(),
            name: id.to_owned(),
            kind: Kind::Http,
            capabilities: Vec::new(),
            timeout: None,
            origin,
            reach: Reach::Endpoint(Uri::from_static("http://127.0.0.1")),
        })
    }

    fn ids(registry: &Registry) -> Vec<String> {
        registry.list().into_iter().map(|one| one.id).collect()
    }

    #[test]
    fn one_that_is_built_in_is_listed_when_it_is_there_or_named() {
        let mut registry = Registry::default();
        let built_in = agent("b", Origin::BuiltIn { is_named: false });
        registry.put(agent("a", Origin::Configured));
        registry.put(built_in.clone());
        registry.put(agent("c", Origin::BuiltIn { is_named: true }));
        registry.put(agent("d", Origin::Registered));
        assert_eq!(ids(&registry), ["a", "c", "d"]);
        assert_eq!(registry.summary("b"), None);
        registry.saw(&built_in, Sight::Broken, 5);
        assert_eq!(ids(&registry), ["a", "b", "c", "d"]);
        let seen = registry.summary("b").unwrap();
        assert_eq!((seen.status, seen.last_seen), (Status::Offline, None));
        assert_eq!(registry.registered(), 1);
    }

    #[test]
    fn it_is_busy_until_its_last_task_ends() {
        let mut registry = Registry::default();
        let one = agent("a", Origin::Configured);
        registry.put(one.clone());
        let status = |registry: &Registry| registry.summary("a").unwrap().status;
        assert_eq!(status(&registry), Status::Offline);
        registry.saw(&one, Sight::There(None), 7);
        registry.begin(&one);
        registry.begin(&one);
        registry.end(&one);
        assert_eq!(status(&registry), Status::Busy);
        registry.end(&one);
        assert_eq!(status(&registry), Status::Online);
        registry.saw(&one, Sight::Missing, 9);
        assert_eq!(registry.summary("a").unwrap().last_seen, Some(7));
        registry.has_answered(&one, 11);
        let summary = registry.summary("a").unwrap();
        assert_eq!((summary.status, summary.last_seen), (Status::Online, Some(11)));
    }

    #[test]
    fn what_was_seen_of_another_does_not_count() {
        let mut registry = Registry::default();
        let (old, new) = (agent("a", Origin::Registered), agent("a", Origin::Registered));
        registry.put(old.clone());
        registry.begin(&old);
        registry.put(new.clone());
        registry.saw(&old, Sight::There(None), 1);
        registry.end(&old);
        assert_eq!(registry.summary("a").unwrap().status, Status::Offline);
        assert_eq!(registry.sight(&old), None);
        assert_eq!(registry.sight(&new), Some(Sight::Missing));
    }
}
