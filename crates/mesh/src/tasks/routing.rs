//! Chooses the agents of a task.

use std::cmp::Reverse;

use indexmap::IndexSet;

use super::keyword::Text;
use crate::agents::{Status, Summary};
use switchtower_config::{Routing, Strategy};

/// A target that leaves the choice to the rules, as none does.
const GATEWAY: &str = "gateway";

/// The chosen agents, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// At least one, each once.
    pub(super) agents: Vec<String>,
    /// Whether each of them gives a result of its own, even if it is only one.
    pub(super) is_broadcast: bool,
    /// The rule's name, `target`, `default` or `online`.
    pub(super) reason: String,
}

impl Assignment {
    fn one(agent: &str, reason: &str) -> Self {
        Self { agents: vec![agent.into()], is_broadcast: false, reason: reason.into() }
    }
}

/// Reason for an unassigned task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAgent {
    /// The target is no agent.
    Unknown(String),
    /// There is neither a rule for it nor an agent that is online.
    Online,
}

/// In this order: the target; the rule of the highest priority that has a keyword in the text, and
/// of several the first; the default agent while it is online; the first agent that is. A busy one
/// is online. Whom a target or a rule names gets the task even when it is offline: somebody wants
/// to know that.
pub(super) fn route(
    text: &str,
    target: Option<&str>,
    routing: &Routing,
    agents: &[Summary],
) -> Result<Assignment, NoAgent> {
    if let Some(target) = target.filter(|target| *target != GATEWAY) {
        let is_known = agents.iter().any(|agent| agent.id == target);
        let assignment = || Assignment::one(target, "target");
        return is_known.then(assignment).ok_or_else(|| NoAgent::Unknown(target.into()));
    }
    by_rule(text, routing).or_else(|| anybody(routing, agents)).ok_or(NoAgent::Online)
}

fn by_rule(text: &str, routing: &Routing) -> Option<Assignment> {
    let text = Text::new(text);
    let matching = routing
        .rules
        .iter()
        .filter(|rule| rule.keywords.iter().any(|keyword| text.mentions(keyword)));
    // Of equals this is the first.
    let rule = matching.min_by_key(|rule| Reverse(rule.priority))?;
    Some(match &rule.strategy {
        Strategy::Single(agent) => Assignment::one(agent, &rule.name),
        Strategy::Broadcast(named) => {
            let agents: IndexSet<String> = named.iter().cloned().collect();
            let agents = agents.into_iter().collect();
            Assignment { agents, is_broadcast: true, reason: rule.name.clone() }
        }
    })
}

fn anybody(routing: &Routing, agents: &[Summary]) -> Option<Assignment> {
    let mut online = agents.iter().filter(|agent| agent.status != Status::Offline);
    let default = routing.default_agent.as_ref();
    match default.filter(|default| online.clone().any(|agent| agent.id == **default)) {
        Some(default) => Some(Assignment::one(default, "default")),
        None => online.next().map(|agent| Assignment::one(&agent.id, "online")),
    }
}

#[cfg(test)]
mod tests;
