//! One probe of all agents, without a running gateway.

use std::path::PathBuf;

use tokio::task::JoinSet;

use super::builtin::known;
use super::program::version;
use super::registry::{Origin, Transport};
use super::{endpoint, program::Launch};
use switchtower_config::Config;

/// A probed agent.
#[derive(Debug)]
pub struct ProbedAgent {
    /// Id of the agent.
    pub id: String,
    /// The configuration lists it.
    pub is_configured: bool,
    /// The configuration lists it, or gives it tasks.
    pub is_wanted: bool,
    /// Result of the probe.
    pub state: ProbeState,
}

/// Result of probing an agent.
#[derive(Debug)]
pub enum ProbeState {
    /// There is no such command.
    Missing {
        /// The command that was not found.
        command: String,
    },
    /// The program exists, but does not print its version.
    Broken {
        /// The program.
        path: PathBuf,
    },
    /// The program exists.
    Found {
        /// The program.
        path: PathBuf,
        /// Its version, if it supports `--version`.
        version: Option<String>,
    },
    /// An endpoint.
    Endpoint {
        /// Its URL.
        url: String,
        /// Whether it accepts connections, or the reason why none may be made; `None` if that was
        /// not tried.
        answers: Option<Result<bool, String>>,
    },
}

/// Looks at all of them at once: those of the configuration and the well-known ones, in this order.
/// Endpoints are left alone if it is `offline`. Takes 5 s at most.
pub async fn survey(config: &Config, offline: bool) -> Vec<ProbedAgent> {
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
