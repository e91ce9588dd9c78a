//! The command `codexbar`, which tells of many providers at once, see
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

impl Codexbar {
    async fn snapshots(&self) -> Result<Vec<(String, Snapshot)>, BoxError> {
        let printed = match run::run(&self.command).await {
            Ok(printed) => printed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !self.is_missed.swap(true, Ordering::Relaxed) {
                    tracing::info!("the command `{}` is not there: no quotas", self.command);
                }
                return Ok(Vec::new());
            }
            Err(error) => return Err(format!("cannot run `{}`: {error}", self.command).into()),
        };
        // A provider that it cannot ask makes it fail, but it tells of the others all the same.
        match parse(&printed.stdout, self.full_percent) {
            Ok(Parsed { snapshots, failures }) => {
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
            Err(error) if printed.status.success() => Err(format!("it prints {error}").into()),
            Err(_) => Err(format!("it failed: {}", printed.status).into()),
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
