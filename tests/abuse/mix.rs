//! Everybody at once, for a while.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use fastrand::Rng;
use parking_lot::Mutex;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{edits, frames, house::House, normal, rough, slow};

/// When it is over, and how often what was done until then.
pub(crate) struct Done {
    end: Instant,
    counts: Mutex<BTreeMap<String, usize>>,
}

impl Done {
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    pub(crate) fn add(&self, what: impl Into<String>) {
        *self.counts.lock().entry(what.into()).or_default() += 1;
    }

    fn count(&self, what: &str) -> usize {
        self.counts.lock().iter().filter(|(key, _)| key.starts_with(what)).map(|(_, n)| n).sum()
    }

    /// A mix that did nothing would leave nothing.
    pub(crate) fn has_everything(&self) {
        for (what, least) in [
            ("plain answers", 20),
            ("streams", 20),
            ("responses", 10),
            ("tasks", 3),
            ("events", 3),
            ("rough: ", 100),
            ("slow: ", 20),
            ("frames: ", 20),
            ("edits", 3),
        ] {
            let count = self.count(what);
            assert!(count >= least, "{what}: {count}: {self:?}");
        }
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts.lock().fmt(f)
    }
}

/// How many of each kind are at it at a time.
const ASKING: usize = 6;
const ROUGH: usize = 4;
const SLOW: usize = 12;
const FRAMES: usize = 3;

/// Has them all go on for this long, and waits until all have ended.
pub(crate) async fn run(house: &Arc<House>, seed: u64, time: Duration) -> Arc<Done> {
    let done = Arc::new(Done { end: Instant::now() + time, counts: Mutex::default() });
    let mut rng = Rng::with_seed(seed);
    let mut all = JoinSet::new();
    for _ in 0..ASKING {
        let (house, done, mut rng) = (house.clone(), done.clone(), rng.fork());
        all.spawn(async move {
            while !done.is_over() {
                normal::ask(&house, &mut rng, &done).await;
                sleep(Duration::from_millis(rng.u64(0..10))).await;
            }
        });
    }
    for _ in 0..ROUGH {
        let (house, done, mut rng) = (house.clone(), done.clone(), rng.fork());
        all.spawn(async move {
            while !done.is_over() {
                rough::send(&house, &mut rng, &done).await;
            }
        });
    }
    for _ in 0..SLOW {
        let (house, done, mut rng) = (house.clone(), done.clone(), rng.fork());
        all.spawn(async move {
            while !done.is_over() {
                slow::dawdle(&house, &mut rng, &done).await;
            }
        });
    }
    for _ in 0..FRAMES {
        let (house, done, mut rng) = (house.clone(), done.clone(), rng.fork());
        all.spawn(async move {
            while !done.is_over() {
                frames::send(&house, &mut rng, &done).await;
            }
        });
    }
    let (editing, edited) = (house.clone(), done.clone());
    all.spawn(async move { edits::go_on(&editing, &edited).await });
    while let Some(ended) = all.join_next().await {
        if let Err(error) = ended {
            println!("until then: {done:#?}");
            std::panic::resume_unwind(error.into_panic());
        }
    }
    done
}
