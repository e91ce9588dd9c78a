//! Checks the quota command.

use std::time::Duration;

use tokio::time::timeout;

use super::finding::{Finding, Group};
use crate::cli::output::start;
use crate::config::{Codexbar, Config};
use crate::quota::{Silent, try_out};

/// How long it may take here, whatever it may take otherwise.
const LIMIT: Duration = Duration::from_secs(8);
/// How much is shown of what it says, in columns.
const COLUMNS: usize = 80;

/// Nothing if it is neither configured nor installed.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let Some(settings) = &config.models.quota.codexbar else { return Vec::new() };
    let limit = LIMIT.min(Duration::from_secs(settings.timeout_s));
    let told = timeout(limit, try_out(settings)).await;
    let Ok(told) = told else {
        let what = format!("{} says nothing within {} s", settings.command, limit.as_secs());
        let next = "run it by hand; until it answers, all providers count as available";
        return vec![Finding::warn(Group::Quotas, what, next)];
    };
    let told = match told {
        Ok(told) => told,
        Err(silent) => return vec![unusable(settings, silent)],
    };
    let mut findings: Vec<_> = told
        .failures
        .iter()
        .map(|(name, why)| {
            let what = format!("{}: nothing of {name}: {}", settings.command, start(why, COLUMNS));
            Finding::warn(Group::Quotas, what, format!("sign in to {name}, or leave it out there"))
        })
        .collect();
    if !told.known.is_empty() {
        let what = format!("{} tells of {}", settings.command, told.known.join(", "));
        findings.insert(0, Finding::ok(Group::Quotas, what));
    }
    findings
}

fn unusable(settings: &Codexbar, silent: Silent) -> Finding {
    let Codexbar { command, .. } = settings;
    match silent {
        Silent::Missing => Finding::fail(
            Group::Quotas,
            format!("the command {command} is not there"),
            "install it, or set `enabled: false` in `models.quota.codexbar`",
        ),
        Silent::Broken(why) => Finding::fail(
            Group::Quotas,
            format!("{command}: {why}"),
            format!("run it by hand: {command} usage --format json --provider all"),
        ),
    }
}
