//! The findings as text for people and as JSON for programs.

use serde_json::{Value, json};

use super::finding::{Finding, Level};
use crate::config::Secret;

/// Grouped, one line each, and what it comes to. Colours are for terminals.
pub(super) fn text(findings: &[Finding], has_colours: bool) -> String {
    let mut text = String::new();
    let mut group = None;
    for finding in findings {
        if group != Some(finding.group) {
            let gap = if group.is_some() { "\n" } else { "" };
            text.push_str(&format!("{gap}{}\n", finding.group));
            group = Some(finding.group);
        }
        let level = format!("{:4}", finding.level);
        let level = if has_colours { coloured(finding.level, &level) } else { level };
        let next = finding.next.as_ref().map(|next| format!("  → {next}")).unwrap_or_default();
        text.push_str(&format!("  {level}  {}{next}\n", finding.what));
    }
    text.push_str(&format!("\n{}\n", summary(findings)));
    text
}

/// The whole, and each of them.
pub(super) fn json(findings: &[Finding]) -> Value {
    json!({"level": worst(findings), "findings": findings})
}

/// What the whole comes to.
pub(super) fn worst(findings: &[Finding]) -> Level {
    findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
}

/// In the order of the groups, on one line each, and without these keys: some of it was said by
/// others.
pub(super) fn tidy(mut findings: Vec<Finding>, keys: &[Secret]) -> Vec<Finding> {
    findings.sort_by_key(|finding| finding.group);
    for finding in &mut findings {
        for text in [Some(&mut finding.what), finding.next.as_mut()].into_iter().flatten() {
            *text = keys.iter().fold(crate::cli::output::line(text), |text, key| {
                // A shorter one is a word like any other.
                match key.expose() {
                    key if key.len() < 8 => text,
                    key => text.replace(key, "***"),
                }
            });
        }
    }
    findings
}

fn summary(findings: &[Finding]) -> String {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let words = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    };
    match (count(Level::Fail), count(Level::Warn)) {
        (0, 0) => "Nothing is wrong.".to_owned(),
        (0, odd) => format!("Nothing fails; {}.", words(odd, "warning")),
        (wrong, 0) => format!("{}.", words(wrong, "failure")),
        (wrong, odd) => format!("{}, {}.", words(wrong, "failure"), words(odd, "warning")),
    }
}

fn coloured(level: Level, text: &str) -> String {
    let colour = match level {
        Level::Ok => "2",
        Level::Warn => "33",
        Level::Fail => "31",
    };
    format!("\u{1b}[{colour}m{text}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::finding::Group;
    use super::*;

    fn findings() -> Vec<Finding> {
        vec![
            Finding::ok(Group::Agents, "codex"),
            Finding::ok(Group::Providers, "a answers"),
            Finding::fail(Group::Providers, "b says\n\u{1b}[31msk-secret", "set KEY"),
            Finding::warn(Group::Clock, "late", "set it"),
        ]
    }

    #[test]
    fn grouped_and_one_line_each() {
        let key = Secret::new("sk-secret");
        let findings = tidy(findings(), &[key, Secret::new("a")]);
        assert_snapshot!(text(&findings, false), @r"
        Providers
          ok    a answers
          fail  b says ***  → set KEY

        Clock
          warn  late  → set it

        Agents
          ok    codex

        1 failure, 1 warning.
        ");
        let coloured = text(&findings, true);
        assert!(coloured.contains("  \u{1b}[31mfail\u{1b}[0m  b says"), "{coloured}");
        assert_eq!(json(&findings)["level"], "fail");
        assert_eq!(json(&findings)["findings"][0]["next"], Value::Null);
    }

    #[test]
    fn what_it_comes_to() {
        let all = tidy(findings(), &[]);
        assert_eq!(summary(&all[..1]), "Nothing is wrong.");
        assert_eq!(summary(&all[2..3]), "Nothing fails; 1 warning.");
        assert_eq!((worst(&[]), worst(&all[2..3])), (Level::Ok, Level::Warn));
    }
}
