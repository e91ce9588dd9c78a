//! Checks a [`Raw`] file and turns it into a [`Config`]: all problems are reported together.

mod agents;
mod auth;
mod budget;
mod egress;
mod errors;
mod models;
mod names;
mod provider;
mod quota;
mod resilience;
mod responses;
mod routing;
mod server;
mod tasks;
mod url;

use std::path::Path;

use serde_saphyr::Spanned;

use super::error::{Problem, SourcePosition};
use super::raw::Raw;
use super::{Config, Env};

pub use server::address;
pub(super) use server::lets_others_in;

/// Checks everything and reports everything. Files that it names are relative to `beside`.
pub(super) fn config(raw: Raw, env: &Env, beside: &Path) -> Result<Config, Vec<Problem>> {
    let clients = raw.auth.iter().flat_map(|auth| auth.keys.iter().flatten());
    let clients = clients.filter_map(|key| Some(key.value.name.as_ref()?.value.clone())).collect();
    let mut checker = Checker {
        env,
        beside,
        clients,
        wrong_variables: Vec::new(),
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    let mut config = Config::default();
    let Raw {
        auth,
        tls,
        limits,
        models,
        responses,
        routing,
        agents,
        allow_remote_agents,
        tasks,
        ..
    } = checker.server(raw, &mut config);
    config.tls = tls.and_then(|tls| checker.tls(tls));
    config.limits = checker.limits_of_connections(limits.unwrap_or_default());
    config.models = checker.models(models.unwrap_or_default());
    config.auth = checker.auth(auth.unwrap_or_default(), &mut config.models);
    config.responses = checker.responses(responses.unwrap_or_default());
    let agents = agents.unwrap_or_default();
    // Taken before any agent is dropped for its own mistakes, which would cause others.
    let ids: Vec<String> = agents
        .iter()
        .filter_map(|agent| agent.value.id.as_ref().map(|id| id.value.clone()))
        .collect();
    config.allow_remote_agents = allow_remote_agents.unwrap_or_default();
    config.agents = checker.agents(agents, config.allow_remote_agents);
    config.tasks = checker.tasks(tasks.unwrap_or_default());
    config.routing = checker.routing(routing.unwrap_or_default(), &ids);
    checker.plain_text(&config);
    config.warnings = checker.warnings;
    if checker.problems.is_empty() { Ok(config) } else { Err(checker.problems) }
}

/// Collects problems. After a problem the value in question is a placeholder, which is never used:
/// a configuration with problems is never returned.
struct Checker<'a> {
    env: &'a Env,
    /// The directory that relative paths begin at.
    beside: &'a Path,
    /// The names of the client keys.
    clients: Vec<String>,
    /// What is wrong with proxy variables, and what would be right.
    wrong_variables: Vec<(String, &'static str)>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl Checker<'_> {
    /// Notes what is wrong with a value.
    fn wrong<T>(&mut self, value: &Spanned<T>, message: impl Into<String>) -> &mut Problem {
        self.wrong_at(SourcePosition::of(value), message)
    }

    fn wrong_at(
        &mut self,
        place: Option<SourcePosition>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.problems.push(Problem::new(place, message));
        self.problems.last_mut().expect("it was just pushed")
    }
}
