use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// After so long without an ask, nobody reads for nobody.
pub(super) const PAUSE: Duration = Duration::from_secs(600);

/// When somebody last wanted to know. To the second, so that the gate seldom writes.
#[derive(Debug)]
pub(super) struct Asks {
    start: Instant,
    last: AtomicU64,
    again: Notify,
}

impl Asks {
    /// Making it is the first ask.
    pub(super) fn new(start: Instant) -> Self {
        Self { start, last: AtomicU64::new(0), again: Notify::new() }
    }

    /// Somebody asks.
    pub(super) fn note(&self, now: Instant) {
        let now = self.seconds(now);
        let last = self.last.load(Ordering::Relaxed);
        if last != now {
            self.last.store(now, Ordering::SeqCst);
            if now.saturating_sub(last) >= PAUSE.as_secs() {
                self.again.notify_waiters();
            }
        }
    }

    /// Returns at once while people ask, else when somebody does.
    pub(super) async fn asked(&self) {
        let mut again = pin!(self.again.notified());
        // Before the look: an ask in between is not missed.
        again.as_mut().enable();
        let last = self.last.load(Ordering::SeqCst);
        if self.seconds(Instant::now()).saturating_sub(last) >= PAUSE.as_secs() {
            again.await;
        }
    }

    fn seconds(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_secs()
    }
}
