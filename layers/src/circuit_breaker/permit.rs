use std::sync::Arc;

use tokio::time::Instant;

use super::{
    CircuitState, Settings,
    circuit::{Pass, Verdict},
    entry::Entry,
};
use crate::{Exchange, exchange::Outcome};

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

    /// Counts the result of the call, but a second fault of the same exchange not again. The
    /// circuit's state after it; `None` for a call without a circuit.
    pub(super) fn settle(
        mut self,
        mut verdict: Verdict,
        exchange: Option<&Exchange>,
    ) -> Option<CircuitState> {
        if verdict.outcome == Outcome::Fault
            && let (Some(Tracked { entry, .. }), Some(exchange)) = (&self.0, exchange)
            && !exchange.charge(Arc::as_ptr(entry).addr())
        {
            verdict = Outcome::Neutral.into();
        }
        self.end(verdict)
    }

    fn end(&mut self, verdict: Verdict) -> Option<CircuitState> {
        let Tracked { entry, pass, settings } = self.0.take()?;
        Some(entry.settle(&settings, pass, verdict, Instant::now()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.end(Outcome::Cancelled.into());
    }
}
