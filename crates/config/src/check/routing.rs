//! The rules that say which agent gets which task.

use serde_saphyr::Spanned;

use super::Checker;
use crate::error::SourcePosition;
use crate::raw::{RawRouting, RawRule, RawStrategy, Text};
use crate::{BUILTIN_AGENTS, Routing, Rule, Strategy};

impl Checker<'_> {
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
        let place = SourcePosition::of(&raw);
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
