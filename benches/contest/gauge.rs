//! What a piece of work takes.

use std::time::Duration;

use tokio::time::Instant;

/// How heap allocations are counted, in a program whose allocator can do it.
#[derive(Clone, Copy)]
pub(crate) struct Counter {
    /// Gives how many there were, and of how many bytes.
    pub(crate) count: fn(&mut dyn FnMut()) -> (u64, u64),
    /// Counts none: it takes time.
    pub(crate) rest: fn(&mut dyn FnMut()),
}

/// Goes around what counts, and takes its time or counts its allocations, but not both.
pub(crate) struct Gauge {
    counter: Option<Counter>,
    counts: bool,
    time: Duration,
    heap: Option<(u64, u64)>,
}

impl Gauge {
    pub(super) fn time(counter: Option<Counter>) -> Self {
        Self { counter, counts: false, time: Duration::ZERO, heap: None }
    }

    /// Of this thread.
    pub(super) fn heap(counter: Option<Counter>) -> Self {
        Self { counts: true, ..Self::time(counter) }
    }

    pub(crate) fn section(&mut self, mut section: impl FnMut()) {
        let timed = |section: &mut dyn FnMut()| {
            let start = Instant::now();
            section();
            start.elapsed()
        };
        match self.counter {
            Some(Counter { count, .. }) if self.counts => {
                let (so_far, bytes_so_far) = self.heap.unwrap_or_default();
                let (allocations, bytes) = count(&mut section);
                self.heap = Some((so_far + allocations, bytes_so_far + bytes));
            }
            Some(Counter { rest, .. }) => rest(&mut || self.add(timed(&mut section))),
            None => self.add(timed(&mut section)),
        }
    }

    /// Of what ran on other threads.
    pub(crate) fn add(&mut self, time: Duration) {
        self.time += time;
    }

    pub(super) fn took(&self) -> Duration {
        self.time
    }

    /// Allocations and their bytes, if they were counted.
    pub(super) fn allocated(&self) -> Option<(u64, u64)> {
        self.heap
    }
}
