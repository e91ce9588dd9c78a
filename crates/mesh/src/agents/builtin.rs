//! The agents that are there from the start: those that are configured, and the well-known ones.

use std::sync::Arc;

use switchtower_config::{Agent as Configured, AgentKind, Config, Program, Strategy};

use super::Kind;
use super::program::Launch;
use super::registry::{Agent, Origin, Transport};

/// All of these, each with whether it is a program that is found.
pub(super) fn looked_up(config: &Config) -> Vec<(Arc<Agent>, bool)> {
    let is_found = |agent: &Agent| match &agent.reach {
        Transport::Program(launch) => launch.find().is_some(),
        Transport::Endpoint(_) => false,
    };
    let looked_up = |agent: Agent| {
        let is_found = is_found(&agent);
        (Arc::new(agent), is_found)
    };
    known(config).into_iter().map(looked_up).collect()
}

/// First those that are configured, then those that are built in and not configured.
pub(super) fn known(config: &Config) -> Vec<Agent> {
    let mut agents: Vec<Agent> = config.agents.iter().map(configured).collect();
    for built_in in built_in(config) {
        if agents.iter().all(|agent| agent.id != built_in.id) {
            agents.push(built_in);
        }
    }
    agents
}

fn configured(agent: &Configured) -> Agent {
    let launch = |program: &Program, has_version| {
        let (program, env) = (program.clone(), agent.env.clone());
        Transport::Program(Launch { program, env, has_version })
    };
    let (kind, reach) = match &agent.kind {
        AgentKind::ClaudeCode(program) => (Kind::ClaudeCode, launch(program, true)),
        AgentKind::Openclaw(program) => (Kind::Openclaw, launch(program, true)),
        AgentKind::Codex(program) => (Kind::Codex, launch(program, true)),
        AgentKind::Process(program) => (Kind::Process, launch(program, false)),
        AgentKind::Http { endpoint } => (Kind::Http, Transport::Endpoint(endpoint.clone())),
    };
    Agent {
        id: agent.id.clone(),
        name: agent.name.clone(),
        kind,
        capabilities: agent.capabilities.clone(),
        timeout: agent.timeout,
        origin: Origin::Configured,
        reach,
    }
}

/// As many as [`BUILTIN_AGENTS`](switchtower_config::BUILTIN_AGENTS) names, in its order.
fn built_in(config: &Config) -> [Agent; 5] {
    [
        ("claude-code", "Claude Code", Kind::ClaudeCode, Program::claude_code()),
        ("codex", "Codex", Kind::Codex, Program::codex()),
        ("gemini", "Gemini", Kind::Process, Program::gemini()),
        ("openclaw", "OpenClaw", Kind::Openclaw, Program::openclaw()),
        ("aider", "Aider", Kind::Process, Program::aider()),
    ]
    .map(|(id, name, kind, program)| Agent {
        id: id.to_owned(),
        name: name.to_owned(),
        kind,
        capabilities: Vec::new(),
        timeout: None,
        origin: Origin::BuiltIn { is_named: is_named(config, id) },
        reach: Transport::Program(Launch { program, env: Default::default(), has_version: true }),
    })
}

fn is_named(config: &Config, id: &str) -> bool {
    let in_rule = |strategy: &Strategy| match strategy {
        Strategy::Single(agent) => agent == id,
        Strategy::Broadcast(agents) => agents.iter().any(|agent| agent == id),
    };
    let routing = &config.routing;
    routing.default_agent.as_deref() == Some(id)
        || routing.rules.iter().any(|rule| in_rule(&rule.strategy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchtower_config::{BUILTIN_AGENTS, Env};

    #[test]
    fn the_configured_come_first_and_replace_the_built_in() {
        let config = Config::default();
        let ids = |config: &Config| -> Vec<String> {
            known(config).into_iter().map(|agent| agent.id).collect()
        };
        assert_eq!(ids(&config), BUILTIN_AGENTS);
        let text = "agents: [{id: mine, type: process, command: x}, \
                    {id: gemini, type: process, command: y}]\nrouting: {defaultAgent: aider, \
                    rules: [{name: r, keywords: [k], strategy: broadcast, agents: [mine, codex]}]}";
        let config = Config::from_yaml("gateway.yaml", text, &Env::empty()).unwrap();
        assert_eq!(ids(&config), ["mine", "gemini", "claude-code", "codex", "openclaw", "aider"]);
        let named: Vec<_> = known(&config)
            .into_iter()
            .filter(|agent| agent.origin == Origin::BuiltIn { is_named: true })
            .map(|agent| agent.id)
            .collect();
        assert_eq!(named, ["codex", "aider"]);
    }
}
