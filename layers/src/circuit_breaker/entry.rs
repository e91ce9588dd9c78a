use parking_lot::Mutex;
use tokio::{sync::broadcast, time::Instant};

use super::{
    CircuitState, Key, Settings, Status, Transition,
    circuit::{Change, Circuit, CircuitCounts, Pass, Verdict},
};

/// One key's circuit, shared by the map and the calls under way.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) circuit: Mutex<Circuit>,
    pub(super) transitions: broadcast::Sender<Transition>,
}

impl Entry {
    /// The pass for a call, or why there is none.
    pub(super) fn admit(&self, settings: &Settings, now: Instant) -> Result<Pass, Status> {
        let admitted = self.change(now, |circuit| {
            let (pass, change) = circuit.admit(settings, now);
            (pass.ok_or_else(|| circuit.standing(now)), change)
        });
        admitted.map_err(|standing| self.describe(standing))
    }

    /// Counts the result of a call; the state after it.
    pub(super) fn settle(
        &self,
        settings: &Settings,
        pass: Pass,
        verdict: Verdict,
        now: Instant,
    ) -> CircuitState {
        self.change(now, |circuit| {
            let change = circuit.settle(settings, pass, verdict, now);
            (circuit.state(), change)
        })
    }

    pub(super) fn force(&self, open: bool, now: Instant) {
        self.change(now, |circuit| ((), circuit.force(open, now)));
    }

    pub(super) fn release(&self, now: Instant) {
        self.change(now, |circuit| ((), circuit.release(now)));
    }

    pub(super) fn status(&self, now: Instant) -> Status {
        let standing = self.circuit.lock().standing(now);
        self.describe(standing)
    }

    fn describe(&self, standing: CircuitCounts) -> Status {
        let CircuitCounts { state, forced, since, remaining } = standing;
        Status { key: self.key.clone(), state, forced, since, remaining }
    }

    /// Changes the circuit and notifies all subscribers.
    fn change<T>(&self, now: Instant, f: impl FnOnce(&mut Circuit) -> (T, Option<Change>)) -> T {
        let mut circuit = self.circuit.lock();
        let (result, change) = f(&mut circuit);
        let Some(Change { from, to, cause }) = change else { return result };
        let transition = Transition { key: self.key.clone(), from, to, cause, at: now };
        // Under the lock, so that a circuit's transitions come in their order; it never waits.
        let _ = self.transitions.send(transition);
        drop(circuit);
        tracing::info!(circuit = %self.key, %from, %cause, "circuit {to}");
        result
    }
}
