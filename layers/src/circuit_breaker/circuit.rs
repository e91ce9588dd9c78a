use std::time::Duration;

use tokio::time::Instant;

use super::{
    Cause, CircuitState, Settings,
    probes::Probes,
    repeats::Repeats,
    settings::FaultRate,
    window::{Counts, Window},
};
use crate::exchange::Outcome;

/// The state of one circuit. Pure: the caller passes in the time and the events.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Circuit {
    phase: Phase,
    since: Instant,
    /// Counts the changes of state: a pass of an earlier one decides nothing.
    generation: u64,
    /// How often it has opened since it was closed.
    trips: u32,
    /// When somebody last called or a call ended.
    used: Instant,
    repeats: Repeats,
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Closed(Tally),
    Open { until: Instant },
    HalfOpen(Probes),
    Forced { open: bool },
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Tally {
    /// Without a success between them.
    faults: u32,
    window: Option<Window>,
}

/// The right to make one call, and to say how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    generation: u64,
    probe: Option<u64>,
}

/// The result of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    /// Hash of the request, where a fault may be caused by this request alone.
    pub(super) request: Option<u64>,
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, request: None }
    }
}

/// What changed, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: CircuitState,
    pub(super) to: CircuitState,
    pub(super) cause: Cause,
}

/// How it stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CircuitCounts {
    pub(super) state: CircuitState,
    pub(super) forced: bool,
    pub(super) since: Instant,
    pub(super) remaining: Option<Duration>,
}

impl Circuit {
    pub(super) fn new(now: Instant) -> Self {
        let phase = Phase::Closed(Tally::default());
        let repeats = Repeats::default();
        Self { phase, since: now, generation: 0, trips: 0, used: now, repeats }
    }

    /// Whether a call may go through now.
    pub(super) fn admit(
        &mut self,
        settings: &Settings,
        now: Instant,
    ) -> (Option<Pass>, Option<Change>) {
        self.used = self.used.max(now);
        let mut change = None;
        if let Phase::Open { until } = self.phase
            && now >= until
        {
            change = Some(self.enter(Phase::HalfOpen(Probes::default()), Cause::ProbeDue, now));
        }
        let probe = match &mut self.phase {
            Phase::Closed(_) | Phase::Forced { open: false } => None,
            Phase::Open { .. } | Phase::Forced { open: true } => return (None, change),
            Phase::HalfOpen(probes) => match probes.take(settings, now) {
                Some(probe) => Some(probe),
                None => return (None, change),
            },
        };
        (Some(Pass { generation: self.generation, probe }), change)
    }

    /// A call has ended. Neutral and cancelled ones give a probe's place back, and no more; a
    /// fault of a request that has failed before is neutral.
    pub(super) fn settle(
        &mut self,
        settings: &Settings,
        pass: Pass,
        verdict: impl Into<Verdict>,
        now: Instant,
    ) -> Option<Change> {
        if pass.generation != self.generation {
            return None;
        }
        self.used = self.used.max(now);
        let Verdict { mut outcome, request } = verdict.into();
        if outcome == Outcome::Fault
            && request.is_some_and(|request| !self.repeats.is_first(request, now))
        {
            outcome = Outcome::Neutral;
        }
        match &mut self.phase {
            Phase::Closed(tally) => {
                let cause = tally.count(settings, outcome, now)?;
                Some(self.open(settings, cause, now))
            }
            Phase::HalfOpen(probes) => {
                probes.give_back(pass.probe?);
                match outcome {
                    Outcome::Fault => Some(self.open(settings, Cause::ProbeFault, now)),
                    Outcome::Success if probes.succeeded(settings) => {
                        Some(self.close(Cause::ProbeSuccess, now))
                    }
                    _ => None,
                }
            }
            Phase::Open { .. } | Phase::Forced { .. } => None,
        }
    }

    /// Stays open or closed, whatever happens, until it is released.
    pub(super) fn force(&mut self, open: bool, now: Instant) -> Option<Change> {
        match self.phase {
            Phase::Forced { open: already } if already == open => None,
            _ => Some(self.enter(Phase::Forced { open }, Cause::Forced, now)),
        }
    }

    /// Undoes [`force`](Self::force): closed, with nothing counted.
    pub(super) fn release(&mut self, now: Instant) -> Option<Change> {
        matches!(self.phase, Phase::Forced { .. }).then(|| self.close(Cause::Released, now))
    }

    fn open(&mut self, settings: &Settings, cause: Cause, now: Instant) -> Change {
        self.trips = self.trips.saturating_add(1);
        self.enter(Phase::Open { until: now + settings.wait(self.trips) }, cause, now)
    }

    fn close(&mut self, cause: Cause, now: Instant) -> Change {
        self.trips = 0;
        self.enter(Phase::Closed(Tally::default()), cause, now)
    }

    fn enter(&mut self, phase: Phase, cause: Cause, now: Instant) -> Change {
        let from = self.state();
        self.phase = phase;
        self.since = now;
        self.generation += 1;
        self.used = self.used.max(now);
        Change { from, to: self.state(), cause }
    }

    pub(super) fn state(&self) -> CircuitState {
        match self.phase {
            Phase::Closed(_) | Phase::Forced { open: false } => CircuitState::Closed,
            Phase::Open { .. } | Phase::Forced { open: true } => CircuitState::Open,
            Phase::HalfOpen(_) => CircuitState::HalfOpen,
        }
    }

    pub(super) fn standing(&self, now: Instant) -> CircuitCounts {
        let remaining = match self.phase {
            Phase::Open { until } => Some(until.saturating_duration_since(now)),
            _ => None,
        };
        let forced = matches!(self.phase, Phase::Forced { .. });
        CircuitCounts { state: self.state(), forced, since: self.since, remaining }
    }

    /// Whether the circuit can be removed without effect: it is neither forced nor waiting, and has
    /// not been used for this time.
    pub(super) fn is_idle(&self, time: Duration, now: Instant) -> bool {
        match self.phase {
            Phase::Forced { .. } => false,
            Phase::Open { until } if now < until => false,
            _ => now.saturating_duration_since(self.used) >= time,
        }
    }

    /// Whether it is closed and has counted nothing but successes.
    pub(super) fn is_clean(&self, now: Instant) -> bool {
        match &self.phase {
            Phase::Closed(tally) => tally.is_clean(now),
            _ => false,
        }
    }

    #[cfg(test)]
    pub(super) fn probes_under_way(&self) -> usize {
        match &self.phase {
            Phase::HalfOpen(probes) => probes.under_way(),
            _ => 0,
        }
    }
}

impl Tally {
    /// Why the circuit has to open, if it has to.
    fn count(&mut self, settings: &Settings, outcome: Outcome, now: Instant) -> Option<Cause> {
        let fault = match outcome {
            Outcome::Success => false,
            Outcome::Fault => true,
            Outcome::Neutral | Outcome::Cancelled => return None,
        };
        self.faults = if fault { self.faults.saturating_add(1) } else { 0 };
        let counts = settings.fault_rate.map(|rate| (rate, self.slide(rate, fault, now)));
        if !fault {
            return None;
        }
        if settings.consecutive_faults != 0 && self.faults >= settings.consecutive_faults {
            return Some(Cause::ConsecutiveFaults(self.faults));
        }
        let (rate, Counts { calls, faults }) = counts?;
        let reached =
            calls >= rate.minimum_calls && f64::from(faults) >= rate.threshold * f64::from(calls);
        reached.then_some(Cause::FaultRate { faults, calls })
    }

    fn slide(&mut self, rate: FaultRate, fault: bool, now: Instant) -> Counts {
        self.window.take_if(|window| !window.is_of(rate.window));
        let window = self.window.get_or_insert_with(|| Window::new(rate.window, now));
        window.record(fault, now);
        window.counts(now)
    }

    fn is_clean(&self, now: Instant) -> bool {
        let faults = |window: &Window| window.clone().counts(now).faults;
        self.faults == 0 && self.window.as_ref().map_or(0, faults) == 0
    }
}
