//! Every order in which calls can begin, end and be late, up to a depth.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    CircuitState, Settings,
    circuit::{Circuit, Pass},
};
use crate::exchange::Outcome::{self, Cancelled, Fault, Success};

const WAIT: Duration = Duration::from_secs(30);
const TRIPS_AT: u32 = 2;

/// A circuit, and what it ought to be by the calls that ended since it last changed.
#[derive(Clone)]
struct World {
    circuit: Circuit,
    settings: Settings,
    now: Instant,
    state: CircuitState,
    /// The number of changes so far, and when the last was.
    changes: u32,
    since: Instant,
    /// What has ended since, of what had begun since.
    ended: Vec<Outcome>,
    /// The calls under way, each with the number of changes before it.
    calls: Vec<(Pass, u32)>,
}

impl World {
    fn new(settings: Settings) -> Self {
        let now = Instant::now();
        Self {
            circuit: Circuit::new(now),
            settings,
            now,
            state: CircuitState::Closed,
            changes: 0,
            since: now,
            ended: vec![],
            calls: vec![],
        }
    }

    fn enter(&mut self, state: CircuitState) {
        (self.state, self.since) = (state, self.now);
        self.changes += 1;
        self.ended.clear();
    }

    fn under_way(&self) -> usize {
        self.calls.iter().filter(|(_, changes)| *changes == self.changes).count()
    }

    fn successes(&self) -> usize {
        self.ended.iter().filter(|outcome| **outcome == Success).count()
    }

    fn begin(&mut self) {
        let (pass, change) = self.circuit.admit(&self.settings, self.now);
        let due = self.state == CircuitState::Open && self.now >= self.since + WAIT;
        assert_eq!(change.is_some(), due);
        if due {
            self.enter(CircuitState::HalfOpen);
        }
        let admitted = match self.state {
            CircuitState::Closed => true,
            CircuitState::Open => false,
            CircuitState::HalfOpen => self.under_way() + self.successes() < self.settings.places(),
        };
        assert_eq!(pass.is_some(), admitted);
        self.calls.extend(pass.map(|pass| (pass, self.changes)));
        self.check();
    }

    fn end(&mut self, call: usize, outcome: Outcome) {
        let (pass, changes) = self.calls.swap_remove(call);
        let before = self.circuit.clone();
        let change = self.circuit.settle(&self.settings, pass, outcome, self.now);
        if changes != self.changes {
            assert_eq!(change, None, "a straggler decides");
            assert_eq!(self.circuit, before, "a straggler counts");
            return;
        }
        self.ended.push(outcome);
        let row = self.ended.iter().rev().filter(|outcome| **outcome != Cancelled);
        let expected = match self.state {
            CircuitState::Closed if row.take_while(|o| **o == Fault).count() as u32 >= TRIPS_AT => {
                CircuitState::Open
            }
            CircuitState::HalfOpen if outcome == Fault => CircuitState::Open,
            CircuitState::HalfOpen if self.successes() >= self.settings.places() => {
                CircuitState::Closed
            }
            state => state,
        };
        assert_eq!(change.is_some(), expected != self.state, "{:?} {outcome:?}", self.state);
        if expected != self.state {
            self.enter(expected);
        }
        self.check();
    }

    fn check(&self) {
        assert_eq!(self.circuit.state(), self.state);
        if self.state == CircuitState::HalfOpen {
            assert_eq!(self.circuit.probes_under_way(), self.under_way());
            assert!(self.under_way() + self.successes() <= self.settings.places());
        }
    }

    /// All that can happen next, to this depth: how many ways there are.
    fn explore(&self, depth: u32, at_once: usize) -> usize {
        if depth == 0 {
            return 1;
        }
        let mut ways = 0;
        let mut go = |step: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            step(&mut next);
            ways += next.explore(depth - 1, at_once);
        };
        if self.calls.len() < at_once {
            go(&Self::begin);
        }
        if self.state == CircuitState::Open && self.now < self.since + WAIT {
            go(&|next| {
                next.now += WAIT - Duration::from_nanos(1);
                next.begin();
                next.now += Duration::from_nanos(1);
            });
        }
        for call in 0..self.calls.len() {
            for outcome in [Success, Fault, Cancelled] {
                go(&|next| next.end(call, outcome));
            }
        }
        ways
    }

    /// Open, with stragglers from before under way, and due for a probe.
    fn tripped(settings: Settings, stragglers: usize) -> Self {
        let mut world = Self::new(settings);
        for _ in 0..stragglers + 2 {
            world.begin();
        }
        for call in (stragglers..stragglers + 2).rev() {
            world.end(call, Fault);
        }
        world.now += WAIT;
        world
    }
}

fn settings(probes: u32) -> Settings {
    Settings::default().consecutive_faults(TRIPS_AT).probes(probes)
}

#[test]
fn every_order_from_the_beginning() {
    for probes in 1..=2 {
        assert!(World::new(settings(probes)).explore(9, 3) > 10_000);
    }
}

#[test]
fn every_order_around_a_probe_with_stragglers() {
    for probes in 1..=3 {
        for stragglers in 0..=2 {
            assert!(World::tripped(settings(probes), stragglers).explore(8, 4) > 1000);
        }
    }
}
