//! `switchtower doctor`.
//!
//! | module | |
//! |---|---|
//! | `finding`, `report` | the findings, and their output |
//! | `providers`, `clock` | keys, reachability, the time |
//! | `egress` | which proxy and which authority counts for which provider |
//! | `listening`, `certificate` | the port, TLS, client keys |
//! | `data` | `dataDir` and `logDir` |
//! | `quotas` | `codexbar` |
//! | `agents` | the agents |
//!
//! All of them look at the same time, and none for more than 8 s.

mod agents;
mod certificate;
mod clock;
mod data;
mod egress;
mod finding;
mod listener;
mod providers;
mod quotas;
mod report;

use std::env;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::Arc;

use super::args::DoctorArgs;
use super::client;
use super::config_source::{self, Origin};
use super::output::{Failure, print, print_json};
use crate::config::{Config, ConfigError, Key, Proxy, Secret};
use finding::{Finding, Group, Level};
use switchtower_platform::tls::Roots;

/// Looks at everything, and says what to do; the status is 1 when something fails.
pub(super) fn run(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let findings = match config_source::find_for(&args.serve) {
        Ok((origin, config)) => {
            let found = client::run(look(&origin, &config, args.offline))?;
            report::tidy(found, &secrets(&config))
        }
        Err(error) => report::tidy(broken(&error), &[]),
    };
    match args.json {
        true => print_json(&report::json(&findings))?,
        false => print(&report::text(&findings, has_colours()))?,
    }
    Ok(match report::worst(&findings) {
        Level::Fail => ExitCode::FAILURE,
        Level::Ok | Level::Warn => ExitCode::SUCCESS,
    })
}

async fn look(origin: &Origin, config: &Config, offline: bool) -> Result<Vec<Finding>, Failure> {
    let roots = Arc::new(Roots::load(true));
    let tls = roots.config(&[]);
    let tls = tls.map_err(|error| Failure(format!("TLS cannot be set up: {error}")))?;
    let tls = Arc::new(tls);
    let ((providers, clocks), (listening, runs), quotas, agents) = tokio::join!(
        providers::look(origin, config, offline, &roots),
        listener::look(config, &tls),
        quotas::look(config),
        agents::look(config, offline),
    );
    let mut findings = configuration(origin, config);
    findings.extend(providers);
    findings.extend(clock::look(clocks));
    findings.extend(listening);
    findings.extend(data::look(config, runs));
    findings.extend(quotas);
    findings.extend(agents);
    Ok(findings)
}

fn configuration(origin: &Origin, config: &Config) -> Vec<Finding> {
    let found = match origin {
        Origin::File(path) => {
            Finding::ok(Group::Configuration, format!("{} is valid", path.display()))
        }
        Origin::Builtin => Finding::ok(Group::Configuration, origin.to_string()),
        Origin::Demo => Finding::warn(
            Group::Configuration,
            origin.to_string(),
            "for real providers run `switchtower setup`, or set OPENAI_API_KEY or the like",
        ),
    };
    // That a provider has no key is said of the provider.
    let said: Vec<_> =
        config.models.providers.iter().filter_map(|(name, p)| p.skipped(name)).collect();
    let odd = config.warnings.iter().filter(|warning| !said.contains(warning));
    let odd = odd.map(|warning| Finding {
        next: None,
        ..Finding::warn(Group::Configuration, warning.clone(), "")
    });
    std::iter::once(found).chain(odd).collect()
}

/// One that cannot be read says nothing of what else to look at.
fn broken(error: &ConfigError) -> Vec<Finding> {
    let next = "correct it, `switchtower check` shows the place; the rest is looked at then";
    error.lines().map(|line| Finding::fail(Group::Configuration, line, next)).collect()
}

/// Secrets of this configuration, to be masked in all output.
fn secrets(config: &Config) -> Vec<Secret> {
    let providers = config.models.providers.values().filter_map(|provider| match &provider.key {
        Key::Present(key) => Some(key),
        Key::Missing { .. } => None,
    });
    let agents = config.agents.iter().flat_map(|agent| agent.env.values());
    let proxies = config.models.providers.values().filter_map(|provider| provider.proxy.proxy());
    providers.chain(agents).cloned().chain(proxies.flat_map(Proxy::secrets)).collect()
}

fn has_colours() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}
