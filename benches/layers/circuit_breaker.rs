use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use switchtower_layers::circuit_breaker::{CircuitBreakerLayer, Handle, KeyRef, Settings};
use tower_resilience_circuitbreaker::CircuitBreakerLayer as Resilience;

use crate::{
    call::{self, NoOp, at_once, by_two},
    contest::{self, Contests},
    inputs::{answer, bare_request, request, target, with},
};

pub(crate) fn hold(contests: &mut Contests) {
    contests.hold("circuit breaker", |contest| {
        let (answer, ask) = (answer(), with(request(Bytes::new()), target("p")));
        contest.add("no-op", call::of(&NoOp, &answer, &ask));
        contest.add("layer", call::of(&CircuitBreakerLayer::default(), &answer, &ask));
        let rate = Settings::default().fault_rate(0.5, Duration::from_secs(60), 20);
        contest.add("layer, fault rate", call::of(&CircuitBreakerLayer::new(rate), &answer, &ask));
        let handle = Handle::new();
        handle.force_open(KeyRef::from(&target("p")));
        let open = CircuitBreakerLayer::default().handle(handle);
        contest.add("layer, open", call::of(&open, &answer, &ask));
        let state = AtomicU64::new(0);
        contest.add("an atomic load", contest::work(move || state.load(Ordering::Relaxed)));
        // It has one circuit for all, and knows the outcome when the head comes.
        let peer = Resilience::builder().build().expect("a breaker");
        contest.add("tower-resilience", call::of(&peer, &answer, &ask));
    });

    contests.hold("circuit breaker, 2 threads", |contest| {
        let ask = |of: [&str; 2]| of.map(|of| with(bare_request(Bytes::new()), target(of)));
        contest.add("no-op", by_two(&NoOp, ask(["p", "q"])));
        let layer = CircuitBreakerLayer::default;
        contest.add("layer, one target", by_two(&layer(), ask(["p", "p"])));
        contest.add("layer, two targets", by_two(&layer(), ask(["p", "q"])));
        let rate = Settings::default().fault_rate(0.5, Duration::from_secs(60), 20);
        let rate = CircuitBreakerLayer::new(rate);
        contest.add("layer, fault rate, one target", by_two(&rate, ask(["p", "p"])));
        let state = Arc::new(AtomicU64::new(0));
        let add = [(); 2].map(|()| {
            let state = Arc::clone(&state);
            move || _ = state.fetch_add(1, Ordering::Relaxed)
        });
        contest.add("an atomic addition", at_once(add));
        let peer = Resilience::builder().build().expect("a breaker");
        contest.add("tower-resilience", by_two(&peer, ask(["p", "q"])));
    });
}
