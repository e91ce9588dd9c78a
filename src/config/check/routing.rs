//! Agents, and the rules that name them.

use serde_saphyr::Spanned;

use super::Checker;
use crate::config::error::Place;
use crate::config::raw::{RawAgent, RawAgentType, RawRouting, RawRule, RawStrategy, Text};
use crate::config::{Agent, AgentKind, BUILTIN_AGENTS, Routing, Rule, Strategy};

impl Checker<'_> {
    pub(super) fn agents(&mut self, raw: Vec<Spanned<RawAgent>>) -> Vec<Agent> {
        self.unique("agent", raw.iter().filter_map(|agent| agent.value.id.as_ref()));
        raw.into_iter().filter_map(|agent| self.agent(agent)).collect()
    }

    fn agent(&mut self, raw: Spanned<RawAgent>) -> Option<Agent> {
        let place = Place::of(&raw);
        let raw = raw.value;
        let Some(id) = raw.id else {
            self.wrong_at(place, "this agent has no id");
            return None;
        };
        let id = self.named("id", id);
        let Some(kind) = raw.r#type else {
            self.wrong_at(place, format!("the agent `{id}` has no type"))
                .help("the types are: claude-code, openclaw, codex, process, http".to_owned());
            return None;
        };

        // A setting that would do nothing is a mistake that nobody would notice otherwise.
        let is_process = kind == RawAgentType::Process;
        let args_place = raw.args.as_ref().and_then(|args| args.first()).and_then(Place::of);
        for (setting, place, belongs_to, belongs) in [
            ("command", raw.command.as_ref().and_then(Place::of), "process", is_process),
            ("args", args_place, "process", is_process),
            (
                "endpoint",
                raw.endpoint.as_ref().and_then(Place::of),
                "http",
                kind == RawAgentType::Http,
            ),
        ] {
            if place.is_some() && !belongs {
                self.wrong_at(place, format!("`{setting}` is for agents of type {belongs_to}"));
            }
        }

        let kind = match kind {
            RawAgentType::ClaudeCode => AgentKind::ClaudeCode,
            RawAgentType::Openclaw => AgentKind::Openclaw,
            RawAgentType::Codex => AgentKind::Codex,
            RawAgentType::Process => {
                let Some(command) = raw.command else {
                    self.wrong_at(place, format!("the process agent `{id}` has no command"));
                    return None;
                };
                let args = raw.args.unwrap_or_default();
                AgentKind::Process {
                    command: self.named("command", command),
                    args: args.into_iter().map(|arg| arg.value).collect(),
                }
            }
            RawAgentType::Http => {
                let Some(endpoint) = &raw.endpoint else {
                    self.wrong_at(place, format!("the http agent `{id}` has no endpoint"));
                    return None;
                };
                AgentKind::Http { endpoint: self.url(endpoint)? }
            }
        };
        let name = raw.name.map_or_else(|| id.clone(), |name| self.named("name", name));
        Some(Agent { id, name, kind, capabilities: self.list("capability", raw.capabilities) })
    }

    pub(super) fn routing(&mut self, raw: RawRouting, ids: &[String]) -> Routing {
        let known: Vec<&str> = ids.iter().map(String::as_str).chain(BUILTIN_AGENTS).collect();
        let default_agent = self
            .either(("defaultAgent", raw.default_agent), ("default_agent", raw.default_agent_twin));
        if let Some(agent) = &default_agent {
            self.agent_exists(agent, &known);
        }
        let rules = raw.rules.unwrap_or_default();
        self.unique("rule", rules.iter().filter_map(|rule| rule.value.name.as_ref()));
        Routing {
            default_agent: default_agent.map(|agent| agent.value),
            rules: rules.into_iter().filter_map(|rule| self.rule(rule, &known)).collect(),
        }
    }

    fn rule(&mut self, raw: Spanned<RawRule>, known: &[&str]) -> Option<Rule> {
        let place = Place::of(&raw);
        let raw = raw.value;
        let Some(name) = raw.name else {
            self.wrong_at(place, "this rule has no name");
            return None;
        };
        let name = self.named("name", name);
        for agent in raw.agent.iter().chain(raw.agents.iter().flatten()) {
            self.agent_exists(agent, known);
        }
        let agents = self.list("agent", raw.agents);
        let strategy = match (raw.strategy.unwrap_or_default(), raw.agent, agents) {
            (RawStrategy::Single, Some(agent), agents) if agents.is_empty() => {
                Strategy::Single(agent.value)
            }
            (RawStrategy::Broadcast, None, agents) if !agents.is_empty() => {
                Strategy::Broadcast(agents)
            }
            (RawStrategy::Single, ..) => {
                self.wrong_at(place, format!("the rule `{name}` needs one `agent`"))
                    .help("for several, write `strategy: broadcast` with `agents`".to_owned());
                return None;
            }
            (RawStrategy::Broadcast, ..) => {
                self.wrong_at(place, format!("the rule `{name}` broadcasts and needs `agents`"))
                    .help("for one, leave `strategy` out and write `agent`".to_owned());
                return None;
            }
        };
        let keywords = self.list("keyword", raw.keywords);
        if keywords.is_empty() {
            self.warnings.push(format!("the rule `{name}` never applies: it has no keywords"));
        }
        Some(Rule { name, keywords, strategy, priority: raw.priority.unwrap_or(0) })
    }

    fn agent_exists(&mut self, agent: &Text, known: &[&str]) {
        self.exists("agent", agent, known.iter().copied());
    }
}
