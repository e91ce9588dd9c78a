use std::{fmt, time::Duration};

use tokio::time::Instant;

use super::Key;
use crate::rejection::whole_seconds;

/// The states of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CircuitState {
    /// Calls go through.
    Closed,
    /// Calls are refused.
    Open,
    /// A few calls go through, to see whether the others may.
    HalfOpen,
}

impl CircuitState {
    /// The state in small letters, as in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

impl fmt::Display for CircuitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Cause of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// So many faults without a success between them.
    ConsecutiveFaults(u32),
    /// So many of the calls of the window were faults.
    FaultRate {
        /// The faults.
        faults: u32,
        /// The calls.
        calls: u32,
    },
    /// The wait was over, and somebody called.
    ProbeDue,
    /// A probe was a fault.
    ProbeFault,
    /// All probes were successes.
    ProbeSuccess,
    /// [`Handle::force_open`](super::Handle::force_open) or
    /// [`force_close`](super::Handle::force_close).
    Forced,
    /// [`Handle::release`](super::Handle::release).
    Released,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConsecutiveFaults(faults) => write!(f, "{faults} faults in a row"),
            Self::FaultRate { faults, calls } => write!(f, "{faults} of {calls} calls failed"),
            Self::ProbeDue => f.write_str("a probe is due"),
            Self::ProbeFault => f.write_str("the probe failed"),
            Self::ProbeSuccess => f.write_str("the probe succeeded"),
            Self::Forced => f.write_str("forced"),
            Self::Released => f.write_str("released"),
        }
    }
}

/// A state change of one circuit, as sent to the subscribers of
/// [`Handle::subscribe`](super::Handle::subscribe).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transition {
    /// The circuit's key.
    pub key: Key,
    /// The state before.
    pub from: CircuitState,
    /// The state after; the same when an open circuit is forced open, and the like.
    pub to: CircuitState,
    /// Cause of the transition.
    pub cause: Cause,
    /// Time of the transition.
    pub at: Instant,
}

/// Status of one circuit.
///
/// Its `Display` is for people: `closed`, `open, probe in 12 s`, `forced open`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The circuit's key.
    pub key: Key,
    /// The circuit's state.
    pub state: CircuitState,
    /// Whether the state is forced until it is released.
    pub forced: bool,
    /// Since when.
    pub since: Instant,
    /// Remaining wait of an open circuit; zero when a probe is due, `None` when it does not wait.
    pub remaining: Option<Duration>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.state, self.remaining) {
            (state, _) if self.forced => write!(f, "forced {state}"),
            (CircuitState::Open, Some(Duration::ZERO)) => f.write_str("open, probe due"),
            (CircuitState::Open, Some(wait)) => {
                write!(f, "open, probe in {} s", whole_seconds(wait))
            }
            (state, _) => state.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_can_read_it() {
        let status = |state, forced, remaining: Option<u64>| Status {
            key: Key::Shared,
            state,
            forced,
            since: Instant::now(),
            remaining: remaining.map(Duration::from_millis),
        };
        for (status, says) in [
            (status(CircuitState::Closed, false, None), "closed"),
            (status(CircuitState::Open, false, Some(11_001)), "open, probe in 12 s"),
            (status(CircuitState::Open, false, Some(0)), "open, probe due"),
            (status(CircuitState::HalfOpen, false, None), "half-open"),
            (status(CircuitState::Open, true, None), "forced open"),
            (status(CircuitState::Closed, true, None), "forced closed"),
        ] {
            assert_eq!(status.to_string(), says);
        }
        let rate = Cause::FaultRate { faults: 6, calls: 10 };
        assert_eq!(rate.to_string(), "6 of 10 calls failed");
        assert_eq!(Cause::ConsecutiveFaults(3).to_string(), "3 faults in a row");
    }
}
