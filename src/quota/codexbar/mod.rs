//! The command `codexbar`, which reports many providers at once, see
//! <https://github.com/steipete/CodexBar/blob/main/docs/cli.md>.

mod parse;
#[cfg(test)]
mod properties;
mod run;

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use switchtower_layers::{
    BoxError,
    quota::{QuotaSource, Reading, Snapshot},
};

use self::parse::{Parsed, parse};
use crate::config;

/// Runs the command and reads what it prints.
#[derive(Debug, Default)]
pub(super) struct Codexbar {
    pub(super) command: String,
    pub(super) ttl: Duration,
    pub(super) time_limit: Duration,
    /// From here on a window counts as full.
    pub(super) full_percent: f64,
    /// That the command is missing is said once.
    pub(super) is_missed: AtomicBool,
}

/// Reason for a missing report.
#[derive(Debug)]
pub(crate) enum Silent {
    /// It is not there.
    Missing,
    Broken(String),
}

/// Runs the command once. It fails when one provider cannot be queried, but reports the others all
/// the same.
async fn ask(command: &str, full_percent: f64) -> Result<Parsed, Silent> {
    let printed = run::run(command).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Silent::Missing,
        _ => Silent::Broken(format!("cannot run `{command}`: {error}")),
    })?;
    parse(&printed.stdout, full_percent).map_err(|error| {
        Silent::Broken(match printed.status.success() {
            true => format!("it prints {error}"),
            false => format!("it failed: {}", printed.status),
        })
    })
}

/// What one run of the command came to: the names that it knows something of, and those that it
/// does not, with the reasons.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) known: Vec<String>,
    pub(crate) failures: Vec<(String, String)>,
}

/// Runs the command once, to see whether it can be used.
///
/// # Errors
///
/// It is not there, or what it prints cannot be read.
pub(crate) async fn try_out(settings: &config::Codexbar) -> Result<Told, Silent> {
    // Exhausted providers make no difference here.
    let Parsed { snapshots, failures } = ask(&settings.command, 100.0).await?;
    Ok(Told { known: snapshots.into_iter().map(|(name, _)| name).collect(), failures })
}

impl Codexbar {
    async fn snapshots(&self) -> Result<Vec<(String, Snapshot)>, BoxError> {
        let Parsed { snapshots, failures } = match ask(&self.command, self.full_percent).await {
            Ok(parsed) => parsed,
            Err(Silent::Missing) => {
                if !self.is_missed.swap(true, Ordering::Relaxed) {
                    tracing::info!("the command `{}` is not there: no quotas", self.command);
                }
                return Ok(Vec::new());
            }
            Err(Silent::Broken(why)) => return Err(why.into()),
        };
        for (name, why) in &failures {
            tracing::debug!(name, why, "codexbar knows nothing");
        }
        match failures.into_iter().next() {
            Some((name, why)) if snapshots.is_empty() => {
                Err(format!("it knows nothing; {name}: {why}").into())
            }
            _ => Ok(snapshots),
        }
    }
}

impl QuotaSource for Codexbar {
    fn name(&self) -> &str {
        "codexbar"
    }

    fn ttl(&self) -> Duration {
        self.ttl
    }

    fn time_limit(&self) -> Duration {
        self.time_limit
    }

    fn read(&self) -> Reading<'_> {
        Box::pin(self.snapshots())
    }
}
