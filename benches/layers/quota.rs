use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use switchtower_layers::quota::{QuotaGateLayer, QuotaSource, Quotas, Reading, Snapshot};
use tokio::runtime::Runtime;

use crate::{
    call::{self, NoOp, at_once, by_two},
    contest::{self, Contests},
    inputs::{answer, bare_request, request, target, with},
};

/// A source that knows of two providers.
struct Told(bool);

impl QuotaSource for Told {
    fn name(&self) -> &str {
        "told"
    }

    /// Long enough that no refresh runs while calls are timed.
    fn ttl(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn read(&self) -> Reading<'_> {
        let told = ["p", "q"].map(|name| (name.to_owned(), Snapshot::new(self.0, "told")));
        Box::pin(std::future::ready(Ok(told.into())))
    }
}

fn told(available: bool, runtime: &Runtime) -> QuotaGateLayer {
    let quotas = Quotas::default();
    runtime.block_on(async {
        quotas.watch(Told(available));
        while quotas.of("p").is_none() {
            tokio::task::yield_now().await;
        }
    });
    QuotaGateLayer::new(quotas)
}

pub(crate) fn hold(contests: &mut Contests, runtime: &Runtime) {
    contests.hold("quota", |contest| {
        let (answer, ask) = (answer(), with(request(Bytes::new()), target("p")));
        contest.add("no-op", call::of(&NoOp, &answer, &ask));
        contest.add("layer", call::of(&told(true, runtime), &answer, &ask));
        let unknown = QuotaGateLayer::new(Quotas::default());
        contest.add("layer, nothing known", call::of(&unknown, &answer, &ask));
        contest.add("layer, rejection", call::of(&told(false, runtime), &answer, &ask));
        let state = AtomicU64::new(0);
        contest.add("an atomic load", contest::work(move || state.load(Ordering::Relaxed)));
        let name: Arc<str> = "p".into();
        contest.add("a clone of an Arc", contest::work(move || Arc::clone(&name)));
    });

    contests.hold("quota, 2 threads", |contest| {
        let ask = |of: [&str; 2]| of.map(|of| with(bare_request(Bytes::new()), target(of)));
        contest.add("no-op", by_two(&NoOp, ask(["p", "q"])));
        contest.add("layer, one target", by_two(&told(true, runtime), ask(["p", "p"])));
        contest.add("layer, two targets", by_two(&told(true, runtime), ask(["p", "q"])));
        let name: Arc<str> = "p".into();
        let clone = [(); 2].map(|()| {
            let name = Arc::clone(&name);
            move || drop(std::hint::black_box(Arc::clone(&name)))
        });
        contest.add("a clone of an Arc", at_once(clone));
    });
}
