//! Checks the agents.

use super::finding::{Finding, Group};
use crate::cli::output::start;
use crate::config::Config;
use crate::mesh::agents::{ProbeState, ProbedAgent, survey};

/// How much is shown of a version, in columns.
const COLUMNS: usize = 40;

pub(super) async fn look(config: &Config, offline: bool) -> Vec<Finding> {
    let findings: Vec<_> = survey(config, offline).await.iter().filter_map(judge).collect();
    if !findings.is_empty() {
        return findings;
    }
    let what = "none is installed, so tasks have nobody to go to";
    let next = "to give tasks, install codex or claude, or add one to `agents`";
    vec![Finding { next: Some(next.to_owned()), ..Finding::ok(Group::Agents, what) }]
}

/// No finding for a well-known agent that is not installed and not configured.
fn judge(seen: &ProbedAgent) -> Option<Finding> {
    let id = &seen.id;
    let wrong = |what: String, next: String| match seen.is_configured {
        true => Finding::fail(Group::Agents, what, next),
        false => Finding::warn(Group::Agents, what, next),
    };
    Some(match &seen.state {
        ProbeState::Missing { .. } if !seen.is_wanted => return None,
        ProbeState::Missing { command } => {
            let next = match seen.is_configured {
                true => "install it, or correct its `command`",
                false => "install it, or take it out of `routing`",
            };
            wrong(format!("{id}: there is no program {command}"), next.to_owned())
        }
        ProbeState::Broken { path } => {
            let path = path.display();
            wrong(
                format!("{id}: {path} does not tell its version"),
                format!("run it by hand: {path} --version"),
            )
        }
        ProbeState::Found { path, version: Some(version) } => {
            let version = version.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            let version = start(version, COLUMNS);
            Finding::ok(Group::Agents, format!("{id}: {}, {version}", path.display()))
        }
        ProbeState::Found { path, version: None } => {
            Finding::ok(Group::Agents, format!("{id}: {}", path.display()))
        }
        ProbeState::Endpoint { url, answers: Some(Err(reason)) } => wrong(
            format!("{id}: {url}: {reason}"),
            "correct its `endpoint`, or set `allow_remote_agents`".to_owned(),
        ),
        ProbeState::Endpoint { url, answers: Some(Ok(false)) } => wrong(
            format!("{id}: nobody takes connections at {url}"),
            "start it, or correct its `endpoint`".to_owned(),
        ),
        ProbeState::Endpoint { url, answers } => {
            let tried = if answers.is_some() { "takes connections" } else { "is not tried" };
            Finding::ok(Group::Agents, format!("{id}: {url} {tried}"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_sight_means() {
        let says = |is_configured: bool, is_wanted: bool, state: ProbeState| {
            judge(&ProbedAgent { id: "a".into(), is_configured, is_wanted, state })
                .map(|Finding { level, what, .. }| format!("{level} {what}"))
        };
        let missing = || ProbeState::Missing { command: "x".into() };
        let found = |version: Option<&str>| ProbeState::Found {
            path: "/bin/x".into(),
            version: version.map(str::to_owned),
        };
        let endpoint = |answers| ProbeState::Endpoint { url: "http://x/".into(), answers };
        assert_eq!(says(false, false, missing()), None);
        for (finding, said) in [
            (says(false, true, missing()), "warn a: there is no program x"),
            (says(true, true, missing()), "fail a: there is no program x"),
            (says(true, true, found(None)), "ok a: /bin/x"),
            (says(false, false, found(Some("\nx 1.0\nmore"))), "ok a: /bin/x, x 1.0"),
            (
                says(false, false, ProbeState::Broken { path: "/bin/x".into() }),
                "warn a: /bin/x does not tell its version",
            ),
            (
                says(true, true, endpoint(Some(Ok(false)))),
                "fail a: nobody takes connections at http://x/",
            ),
            (says(true, true, endpoint(Some(Err("no".into())))), "fail a: http://x/: no"),
            (says(true, true, endpoint(None)), "ok a: http://x/ is not tried"),
        ] {
            assert_eq!(finding.as_deref(), Some(said));
        }
    }
}
