use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use utoipa::ToSchema;

use super::Changes;
use switchtower_platform::clock::now;

/// Status of the configuration since the start of the gateway. A handle: clones are the same.
#[derive(Clone, Debug)]
pub struct Status(Arc<Mutex<Report>>);

/// The answer of `GET /model-gateway/config`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ConfigStatus)]
pub struct Report {
    /// Origin of the configuration; `null` when a program has made it.
    pub origin: Option<String>,
    /// Time at which the running one was applied, in milliseconds since the Unix epoch.
    pub loaded_at: u64,
    /// Number of reloads.
    pub reloads: u64,
    /// Error of the last attempt; `null` when it was applied.
    pub error: Option<Refused>,
    /// The settings that differ from what runs, and need a restart.
    pub restart_needed: Vec<&'static str>,
}

/// A configuration that was not taken up.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RefusedConfig)]
pub struct Refused {
    /// The error, with line and column.
    pub message: String,
    /// Time of the error, in milliseconds since the Unix epoch.
    pub at: u64,
}

impl Status {
    /// A configuration has just been taken up for the first time.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Report {
            origin: None,
            loaded_at: now(),
            reloads: 0,
            error: None,
            restart_needed: Vec::new(),
        })))
    }

    /// The report for the API.
    #[must_use]
    pub fn report(&self) -> Report {
        self.0.lock().clone()
    }

    pub(super) fn set_origin(&self, origin: String) {
        self.0.lock().origin = Some(origin);
    }

    pub(crate) fn took_up(&self, changes: &Changes) {
        let mut report = self.0.lock();
        report.loaded_at = now();
        report.reloads += 1;
        report.error = None;
        report.restart_needed.clone_from(&changes.restart_needed);
    }

    pub(super) fn refused(&self, message: String) {
        self.0.lock().error = Some(Refused { message, at: now() });
    }
}
