use std::time::Duration;

use tokio::time::Instant;

use super::{
    Cause, CircuitState, Settings,
    circuit::{Circuit, Pass},
};
use crate::exchange::Outcome::{self, Cancelled, Fault, Neutral, Success};

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A circuit, its settings and its clock.
struct Run {
    circuit: Circuit,
    settings: Settings,
    now: Instant,
}

impl Run {
    fn new(settings: Settings) -> Self {
        let now = Instant::now();
        Self { circuit: Circuit::new(now), settings, now }
    }

    fn admit(&mut self) -> Option<Pass> {
        self.circuit.admit(&self.settings, self.now).0
    }

    fn settle(&mut self, pass: Pass, outcome: Outcome) -> Option<Cause> {
        let change = self.circuit.settle(&self.settings, pass, outcome, self.now);
        change.map(|change| change.cause)
    }

    /// One call after the other.
    fn calls(&mut self, outcomes: &[Outcome]) -> CircuitState {
        for &outcome in outcomes {
            let pass = self.admit().expect("it is let through");
            self.settle(pass, outcome);
        }
        self.circuit.state()
    }

    fn trip(settings: Settings) -> Self {
        let mut run = Self::new(settings);
        assert_eq!(run.calls(&[Fault, Fault, Fault]), CircuitState::Open);
        run
    }

    fn remaining(&self) -> Option<u64> {
        self.circuit.standing(self.now).remaining.map(|wait| wait.as_secs())
    }
}

#[test]
fn three_faults_without_a_success_between_them_open_it() {
    for (outcomes, state) in [
        (&[Fault, Fault][..], CircuitState::Closed),
        (&[Fault, Fault, Fault], CircuitState::Open),
        (&[Fault, Fault, Success, Fault, Fault], CircuitState::Closed),
        (&[Fault, Neutral, Fault, Cancelled, Fault], CircuitState::Open),
        (&[Neutral, Neutral, Neutral, Cancelled, Cancelled, Cancelled], CircuitState::Closed),
    ] {
        assert_eq!(Run::new(Settings::default()).calls(outcomes), state, "{outcomes:?}");
    }
    let mut off = Run::new(Settings::default().consecutive_faults(0));
    assert_eq!(off.calls(&[Fault; 100]), CircuitState::Closed);
}

#[test]
fn the_rate_opens_it_from_the_minimum_of_calls_on() {
    let rate = Settings::default().consecutive_faults(0).fault_rate(0.5, seconds(60), 4);
    assert_eq!(Run::new(rate).calls(&[Fault; 3]), CircuitState::Closed);
    assert_eq!(Run::new(rate).calls(&[Fault; 4]), CircuitState::Open);
    assert_eq!(Run::new(rate).calls(&[Success, Success, Fault, Fault]), CircuitState::Open);
    let mut run = Run::new(rate);
    assert_eq!(run.calls(&[Success, Success, Success, Fault, Fault]), CircuitState::Closed);
    let pass = run.admit().unwrap();
    assert_eq!(run.settle(pass, Fault), Some(Cause::FaultRate { faults: 3, calls: 6 }));
}

#[test]
fn old_successes_do_not_delay_it() {
    let rate = Settings::default().consecutive_faults(0).fault_rate(0.5, seconds(60), 10);
    let mut run = Run::new(rate);
    for _ in 0..3600 {
        run.now += seconds(1);
        run.calls(&[Success; 3]);
    }
    run.now += seconds(60);
    assert_eq!(run.calls(&[Fault; 9]), CircuitState::Closed);
    assert_eq!(run.calls(&[Fault]), CircuitState::Open, "as soon as in a circuit that is new");

    // Without a pause, when half of what is in the window are faults: not hours later.
    let mut run = Run::new(rate);
    for _ in 0..3600 {
        run.now += seconds(1);
        run.calls(&[Success]);
    }
    let mut faults = 0;
    while run.circuit.state() == CircuitState::Closed {
        run.now += seconds(1);
        run.calls(&[Fault]);
        faults += 1;
    }
    assert!((27..=30).contains(&faults), "{faults}");
}

#[test]
fn another_window_starts_with_nothing() {
    let settings = Settings::default().consecutive_faults(0);
    let mut run = Run::new(settings.fault_rate(0.5, seconds(60), 2));
    run.calls(&[Fault]);
    run.settings = settings.fault_rate(0.5, seconds(10), 2);
    assert_eq!(run.calls(&[Fault]), CircuitState::Closed);
    assert_eq!(run.calls(&[Fault]), CircuitState::Open);
}

#[test]
fn it_waits_and_then_probes() {
    let mut run = Run::trip(Settings::default());
    assert_eq!(run.remaining(), Some(30));
    run.now += seconds(29);
    assert_eq!(run.admit(), None);
    assert_eq!(run.remaining(), Some(1));
    run.now += seconds(1);
    assert_eq!(run.remaining(), Some(0));
    let probe = run.admit().expect("a probe");
    assert_eq!(run.circuit.state(), CircuitState::HalfOpen);
    assert_eq!(run.admit(), None, "one at a time");
    assert_eq!(run.settle(probe, Fault), Some(Cause::ProbeFault));
    assert_eq!(run.remaining(), Some(30));
    run.now += seconds(30);
    let probe = run.admit().expect("another probe");
    assert_eq!(run.settle(probe, Success), Some(Cause::ProbeSuccess));
    assert_eq!(run.calls(&[Fault, Fault]), CircuitState::Closed, "nothing is left of before");
}

#[test]
fn each_of_several_probes_has_to_succeed() {
    let settings = Settings::default().probes(3);
    let half_open = || {
        let mut run = Run::trip(settings);
        run.now += seconds(30);
        run
    };
    let mut run = half_open();
    let [a, b, c] = [(); 3].map(|()| run.admit().expect("a probe"));
    assert_eq!(run.admit(), None);
    assert_eq!(run.settle(a, Success), None);
    assert_eq!(run.admit(), None, "three in all, not three at a time");
    assert_eq!(run.settle(b, Cancelled), None);
    let d = run.admit().expect("the place of the cancelled one");
    assert_eq!(run.settle(c, Success), None);
    assert_eq!(run.settle(d, Success), Some(Cause::ProbeSuccess));

    let mut run = half_open();
    assert_eq!(run.calls(&[Success, Success, Fault]), CircuitState::Open);
    assert_eq!(Settings::default().probes(0).places(), 1);

    let mut run = half_open();
    run.calls(&[Success]);
    run.settings = Settings::default();
    assert_eq!(run.calls(&[Success]), CircuitState::Closed, "fewer are wanted by now");
}

#[test]
fn a_neutral_or_cancelled_probe_gives_its_place_back_and_decides_nothing() {
    let mut run = Run::trip(Settings::default());
    run.now += seconds(30);
    assert_eq!(run.calls(&[Neutral, Cancelled, Neutral, Cancelled]), CircuitState::HalfOpen);
    assert_eq!(run.calls(&[Success]), CircuitState::Closed);
}

#[test]
fn the_wait_grows_with_each_failed_probe_until_it_closes() {
    let mut run = Run::trip(Settings::default().growth(2.0, seconds(100)));
    for wait in [30, 60, 100, 100] {
        assert_eq!(run.remaining(), Some(wait));
        run.now += seconds(wait);
        run.calls(&[Fault]);
    }
    run.now += seconds(100);
    assert_eq!(run.calls(&[Success]), CircuitState::Closed);
    assert_eq!(run.calls(&[Fault, Fault, Fault]), CircuitState::Open);
    assert_eq!(run.remaining(), Some(30));
}

#[test]
fn stragglers_decide_nothing() {
    let mut run = Run::new(Settings::default());
    let [old, older] = [(); 2].map(|()| run.admit().unwrap());
    run.calls(&[Fault; 3]);
    assert_eq!(run.settle(old, Success), None);
    run.now += seconds(30);
    let probe = run.admit().unwrap();
    assert_eq!(run.settle(older, Success), None, "it is no probe");
    assert_eq!(run.circuit.probes_under_way(), 1, "and gives no place back");
    run.settle(probe, Fault);
    run.now += seconds(30);
    let probe = run.admit().unwrap();
    assert_eq!(run.settle(probe, Success), Some(Cause::ProbeSuccess));
    assert_eq!(run.settle(probe, Fault), None);
}

#[test]
fn a_probe_that_does_not_end_loses_its_place_but_may_still_decide() {
    let half_open = || {
        let mut run = Run::trip(Settings::default());
        run.now += seconds(30);
        let stuck = run.admit().unwrap();
        run.now += seconds(299);
        assert_eq!(run.admit(), None);
        run.now += seconds(1);
        let next = run.admit().expect("its place");
        assert_eq!(run.admit(), None, "one more, not any number");
        (run, stuck, next)
    };
    let (mut run, stuck, _) = half_open();
    assert_eq!(run.settle(stuck, Success), Some(Cause::ProbeSuccess));
    let (mut run, stuck, next) = half_open();
    assert_eq!(run.settle(stuck, Cancelled), None);
    assert_eq!(run.admit(), None, "the place is another's by now");
    assert_eq!(run.settle(next, Fault), Some(Cause::ProbeFault));
}

#[test]
fn force_holds_until_it_is_released() {
    let mut run = Run::new(Settings::default());
    let before = run.admit().unwrap();
    let change = run.circuit.force(true, run.now).unwrap();
    assert_eq!((change.from, change.to), (CircuitState::Closed, CircuitState::Open));
    assert_eq!(run.circuit.force(true, run.now), None);
    run.now += seconds(100_000);
    assert_eq!((run.admit(), run.remaining()), (None, None));
    assert_eq!(run.settle(before, Success), None);

    run.circuit.force(false, run.now).unwrap();
    assert_eq!(run.calls(&[Fault; 10]), CircuitState::Closed);
    assert!(run.circuit.standing(run.now).forced);
    assert_eq!(run.circuit.release(run.now).unwrap().cause, Cause::Released);
    assert_eq!(run.circuit.release(run.now), None);
    assert_eq!(run.calls(&[Fault, Fault]), CircuitState::Closed);
    assert_eq!(run.calls(&[Fault]), CircuitState::Open);
    assert_eq!(run.circuit.release(run.now), None, "it was not forced");
}

#[test]
fn what_may_be_forgotten() {
    let idle = |run: &Run| run.circuit.is_idle(seconds(10), run.now);
    let mut run = Run::new(Settings::default().fault_rate(0.9, seconds(60), 100));
    assert!(!idle(&run) && run.circuit.is_clean(run.now));
    run.now += seconds(10);
    assert!(idle(&run));
    run.calls(&[Success, Fault, Success]);
    assert!(!idle(&run) && !run.circuit.is_clean(run.now), "a fault is in the window");
    run.now += seconds(60);
    assert!(idle(&run) && run.circuit.is_clean(run.now));

    let mut run = Run::trip(Settings::default());
    run.now += seconds(29);
    assert!(!idle(&run) && !run.circuit.is_clean(run.now), "it still waits");
    run.now += seconds(1);
    assert!(idle(&run));
    run.circuit.force(true, run.now);
    run.now += seconds(100_000);
    assert!(!idle(&run));
}
