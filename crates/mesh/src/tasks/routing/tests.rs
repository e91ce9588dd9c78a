use proptest::prelude::*;

use super::*;
use crate::agents::Kind;
use switchtower_config::{Rule, Strategy};

fn agent(id: &str, status: Status) -> Summary {
    Summary {
        id: id.into(),
        name: id.into(),
        r#type: Kind::Process,
        capabilities: Vec::new(),
        status,
        last_seen: None,
    }
}

fn rule(name: &str, keywords: &[&str], agents: &[&str], priority: i64) -> Rule {
    let strategy = match agents {
        [one] => Strategy::Single((*one).into()),
        several => Strategy::Broadcast(several.iter().map(|agent| (*agent).into()).collect()),
    };
    let keywords = keywords.iter().map(|keyword| (*keyword).into()).collect();
    Rule { name: name.into(), keywords, strategy, priority }
}

fn routing() -> Routing {
    Routing {
        default_agent: Some("claude".into()),
        rules: vec![
            rule("tests", &["test"], &["codex"], 10),
            rule("review", &["review", "代码审查"], &["claude"], 15),
            rule("again", &["test"], &["claude"], 10),
            rule("team", &["collaborate"], &["codex", "away", "codex", "claude"], 20),
            rule("last", &["sleep"], &["away"], -5),
        ],
    }
}

fn agents(claude: Status) -> [Summary; 4] {
    [
        agent("away", Status::Offline),
        agent("codex", Status::Busy),
        agent("claude", claude),
        agent("free", Status::Online),
    ]
}

#[track_caller]
fn goes(text: &str, target: Option<&str>, claude: Status, agents_and_reason: &str) {
    let assignment = route(text, target, &routing(), &agents(claude)).unwrap();
    let broadcast = if assignment.is_broadcast { "each of " } else { "" };
    let found = format!("{broadcast}{}: {}", assignment.agents.join(" "), assignment.reason);
    assert_eq!(found, agents_and_reason, "{text}");
}

#[test]
fn a_rule_decides() {
    use Status::{Offline, Online};
    goes("Review this", None, Online, "claude: review");
    goes("请做代码审查", None, Online, "claude: review");
    goes("test this", None, Online, "codex: tests");
    goes("review the tests", None, Online, "claude: review");
    goes("collaborate on a review", None, Online, "each of codex away claude: team");
    goes("review this", None, Offline, "claude: review");
    goes("sleep", Some("gateway"), Online, "away: last");
}

#[test]
fn without_a_rule_the_default_does_it_while_it_is_there() {
    use Status::{Busy, Offline, Online};
    goes("hello", None, Online, "claude: default");
    goes("hello", None, Busy, "claude: default");
    goes("hello", None, Offline, "codex: online");
    let nothing = Routing::default();
    let found = route("hello", None, &nothing, &agents(Online)).unwrap();
    assert_eq!(found, Assignment::one("codex", "online"));
}

#[test]
fn a_target_is_asked_for() {
    goes("review this", Some("free"), Status::Online, "free: target");
    goes("review this", Some("away"), Status::Online, "away: target");
    let unknown = route("hello", Some("nobody"), &routing(), &agents(Status::Online));
    assert_eq!(unknown, Err(NoAgent::Unknown("nobody".into())));
}

#[test]
fn somebody_has_to_be_there() {
    let asleep = [agent("away", Status::Offline)];
    for agents in [&[][..], &asleep] {
        assert_eq!(route("hello", None, &routing(), agents), Err(NoAgent::Online));
        assert_eq!(route("hello", None, &Routing::default(), agents), Err(NoAgent::Online));
    }
}

/// Priority, keywords, and how many agents.
type Sketch = (i64, Vec<&'static str>, usize);

fn rules() -> impl proptest::strategy::Strategy<Value = Vec<Sketch>> {
    let keywords = prop::sample::subsequence(vec!["a", "b", "c", "审查"], 0..3);
    prop::collection::vec((0..4i64, keywords, 1..4usize), 0..6)
}

proptest! {
    /// Whatever the rules: the first of the highest priority that matches wins.
    #[test]
    fn no_matching_rule_has_a_higher_priority(rules in rules(), text in "[abcx审查 ]{0,12}") {
        let ids = ["one", "two", "three"];
        let rules: Vec<Rule> = rules
            .iter()
            .enumerate()
            .map(|(at, (priority, keywords, agents))| {
                rule(&format!("rule {at}"), keywords, &ids[..*agents], *priority)
            })
            .collect();
        let routing = Routing { default_agent: None, rules };
        let found = route(&text, None, &routing, &[agent("one", Status::Online)]).unwrap();
        let seen = Text::new(&text);
        let matches = |rule: &Rule| rule.keywords.iter().any(|keyword| seen.mentions(keyword));
        let chosen = routing.rules.iter().position(|rule| rule.name == found.reason);
        prop_assert_eq!(chosen.is_some(), routing.rules.iter().any(matches));
        if let Some(chosen) = chosen {
            let best = &routing.rules[chosen];
            prop_assert!(matches(best));
            for (at, rule) in routing.rules.iter().enumerate().filter(|(_, rule)| matches(rule)) {
                prop_assert!((Reverse(best.priority), chosen) <= (Reverse(rule.priority), at));
            }
        }
        prop_assert!(!found.agents.is_empty());
    }
}
