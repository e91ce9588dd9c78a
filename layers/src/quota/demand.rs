use std::{
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

/// Background refresh pauses after this time without a query.
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);

/// Whether somebody wants to know. The gate looks at no clock for it and seldom writes.
#[derive(Debug)]
pub(super) struct Demand {
    /// Since the reads looked last.
    is_asked: AtomicBool,
    /// When they saw that somebody had asked.
    seen: Mutex<Instant>,
    again: Notify,
}

impl Demand {
    /// Making it is the first ask.
    pub(super) fn new(now: Instant) -> Self {
        Self { is_asked: AtomicBool::new(false), seen: Mutex::new(now), again: Notify::new() }
    }

    /// Somebody asks.
    pub(super) fn note(&self) {
        if !self.is_asked.load(Ordering::Relaxed) {
            self.is_asked.store(true, Ordering::SeqCst);
            self.again.notify_waiters();
        }
    }

    /// Returns at once while people ask, else when somebody does.
    pub(super) async fn asked(&self) {
        let mut again = pin!(self.again.notified());
        // Before the look: an ask in between is not missed.
        again.as_mut().enable();
        if self.is_pausing(Instant::now()) {
            again.await;
        }
    }

    fn is_pausing(&self, now: Instant) -> bool {
        let mut seen = self.seen.lock();
        if self.is_asked.swap(false, Ordering::SeqCst) {
            *seen = now;
        }
        now.saturating_duration_since(*seen) >= IDLE_TIMEOUT
    }
}
