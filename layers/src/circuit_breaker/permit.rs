use std::sync::Arc;

use tokio::time::Instant;

use super::{Settings, circuit::Pass, entry::Entry};
use crate::exchange::Outcome;

/// The right to make one call. Dropped without an outcome, the call was cancelled.
#[derive(Debug)]
pub(super) struct Permit(Option<Tracked>);

#[derive(Debug)]
struct Tracked {
    entry: Arc<Entry>,
    pass: Pass,
    settings: Settings,
}

impl Permit {
    pub(super) fn new(entry: Arc<Entry>, pass: Pass, settings: Settings) -> Self {
        Self(Some(Tracked { entry, pass, settings }))
    }

    /// For a call without a circuit.
    pub(super) fn untracked() -> Self {
        Self(None)
    }

    pub(super) fn settle(mut self, outcome: Outcome) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(Tracked { entry, pass, settings }) = self.0.take() {
            entry.settle(&settings, pass, outcome, Instant::now());
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.end(Outcome::Cancelled);
    }
}
