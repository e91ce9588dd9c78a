use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::{
    CircuitState, Settings,
    circuit::{Circuit, Pass},
};
use crate::exchange::Outcome;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const MAX_STEP_MS: u64 = 200;
const PROBE_TIME: u64 = 300;

#[derive(Clone, Debug)]
enum Step {
    Begin,
    End(prop::sample::Index, Outcome),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop::sample::select(vec![
        Outcome::Success,
        Outcome::Fault,
        Outcome::Fault,
        Outcome::Neutral,
        Outcome::Cancelled,
    ]);
    let step = prop_oneof![
        3 => Just(Step::Begin),
        3 => (any::<prop::sample::Index>(), outcome).prop_map(|(call, how)| Step::End(call, how)),
        1 => (0..150u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..150)
}

fn settings() -> impl Strategy<Value = Settings> {
    let rate = prop::option::of((0.1..1.0f64, 1..400u64, 1..8u32));
    (0..4u32, rate, 0..100u64, 0..4u32, any::<bool>()).prop_map(
        |(faults, rate, wait, probes, grows)| {
            let mut settings = Settings::default()
                .consecutive_faults(faults)
                .open_for(ms(wait))
                .probes(probes)
                .probe_time(ms(PROBE_TIME));
            if let Some((threshold, window, calls)) = rate {
                settings = settings.fault_rate(threshold, ms(window), calls);
            }
            if grows { settings.growth(2.0, ms(MAX_STEP_MS)) } else { settings }
        },
    )
}

struct SimulatedCall {
    pass: Pass,
    changes: u32,
    begun: Instant,
}

proptest! {
    #[test]
    fn whatever_happens(settings in settings(), steps in steps()) {
        let mut now = Instant::now();
        let (mut circuit, mut calls, mut changes) = (Circuit::new(now), Vec::<SimulatedCall>::new(), 0);
        for step in steps {
            match step {
                Step::Wait(time) => now += ms(time),
                Step::Begin => {
                    let before = circuit.standing(now);
                    let (pass, change) = circuit.admit(&settings, now);
                    changes += u32::from(change.is_some());
                    prop_assert!(pass.is_some() || before.state != CircuitState::Closed);
                    prop_assert!(pass.is_none() || before.remaining.is_none_or(|r| r.is_zero()));
                    calls.extend(pass.map(|pass| SimulatedCall { pass, changes, begun: now }));
                }
                Step::End(call, outcome) if !calls.is_empty() => {
                    let call = calls.swap_remove(call.index(calls.len()));
                    let before = circuit.standing(now);
                    let change = circuit.settle(&settings, call.pass, outcome, now);
                    if call.changes != changes {
                        prop_assert_eq!(change, None);
                        prop_assert_eq!(circuit.standing(now), before);
                    }
                    changes += u32::from(change.is_some());
                }
                Step::End(..) => {}
            }
            if circuit.state() == CircuitState::HalfOpen {
                let probes = calls.iter().filter(|call| {
                    call.changes == changes && now - call.begun < ms(PROBE_TIME)
                });
                prop_assert!(probes.count() <= settings.places());
            }
        }
        now += ms(MAX_STEP_MS.max(PROBE_TIME));
        let (pass, _) = circuit.admit(&settings, now);
        prop_assert!(pass.is_some(), "it has been quiet for long enough");
    }
}
