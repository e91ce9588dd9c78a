//! What a piece of work takes.

use std::time::Duration;

use allocation_counter::{AllocationInfo, measure, opt_out};
use tokio::time::Instant;

/// Goes around what counts, and takes its time or counts its allocations, but not both: counting
/// takes time.
pub(crate) struct Gauge {
    counts_heap: bool,
    time: Duration,
    heap: Option<AllocationInfo>,
}

impl Gauge {
    pub(crate) fn time() -> Self {
        Self { counts_heap: false, time: Duration::ZERO, heap: None }
    }

    /// Of this thread.
    pub(crate) fn heap() -> Self {
        Self { counts_heap: true, ..Self::time() }
    }

    pub(crate) fn section(&mut self, section: impl FnOnce()) {
        if self.counts_heap {
            *self.heap.get_or_insert_default() += measure(section);
        } else {
            // The counting allocator has to be there, but it need not count.
            opt_out(|| {
                let start = Instant::now();
                section();
                self.add(start.elapsed());
            });
        }
    }

    /// For what cannot be counted here, as it runs on other threads.
    pub(crate) fn add(&mut self, time: Duration) {
        self.time += time;
    }

    pub(crate) fn took(&self) -> Duration {
        self.time
    }

    /// Allocations and their bytes, if they were counted.
    pub(crate) fn allocated(&self) -> Option<(u64, u64)> {
        self.heap.map(|heap| (heap.count_total, heap.bytes_total))
    }
}
