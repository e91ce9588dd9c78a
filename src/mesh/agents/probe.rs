//! One probe of all agents, without a running gateway.

use std::path::PathBuf;

use tokio::task::JoinSet;

use super::builtin::known;
use super::program::version;
use super::registry::{Origin, Transport};
use super::{endpoint, program::Launch};
use crate::config::Config;

/// An agent, and how it was found.
#[derive(Debug)]
pub(crate) struct ProbedAgent {
    pub(crate) id: String,
    /// The configuration lists it.
    pub(crate) is_configured: bool,
    /// The configuration lists it, or gives it tasks.
    pub(crate) is_wanted: bool,
    pub(crate) state: ProbeState,
}

/// How it was found.
#[derive(Debug)]
pub(crate) enum ProbeState {
    /// There is no such command.
    Missing { command: String },
    /// The program exists, but does not print its version.
    Broken { path: PathBuf },
    /// It is there, and says this of its version if it is one that can be asked.
    Found { path: PathBuf, version: Option<String> },
    /// An endpoint, and whether somebody takes connections there, or why none may be made; `None` if
    /// that was not tried.
    Endpoint { url: String, answers: Option<Result<bool, String>> },
}

/// Looks at all of them at once: those of the configuration and the well-known ones, in this order.
/// Endpoints are left alone if it is `offline`. Takes 5 s at most.
pub(crate) async fn survey(config: &Config, offline: bool) -> Vec<ProbedAgent> {
    let allow_remote = config.allow_remote_agents;
    let mut looks = JoinSet::new();
    for (place, agent) in known(config).into_iter().enumerate() {
        looks.spawn(async move {
            let state = match agent.reach {
                Transport::Program(launch) => program(&launch).await,
                Transport::Endpoint(uri) => {
                    let answers = match offline {
                        true => None,
                        false => Some(endpoint::answers(&uri, allow_remote).await),
                    };
                    ProbeState::Endpoint { url: uri.to_string(), answers }
                }
            };
            let is_configured = agent.origin == Origin::Configured;
            let is_wanted = agent.origin != Origin::BuiltIn { is_named: false };
            (place, ProbedAgent { id: agent.id, is_configured, is_wanted, state })
        });
    }
    let mut seen = looks.join_all().await;
    seen.sort_by_key(|(place, _)| *place);
    seen.into_iter().map(|(_, seen)| seen).collect()
}

async fn program(launch: &Launch) -> ProbeState {
    let Some(path) = launch.find() else {
        return ProbeState::Missing { command: launch.program.command.clone() };
    };
    if !launch.has_version {
        return ProbeState::Found { path, version: None };
    }
    match version(launch, &path).await {
        Some(version) => ProbeState::Found { path, version: Some(version) },
        None => ProbeState::Broken { path },
    }
}
