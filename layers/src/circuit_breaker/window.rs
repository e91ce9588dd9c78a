use std::time::Duration;

use tokio::time::Instant;

const BUCKETS: usize = 10;

/// Counts calls and faults in a sliding time window. Pure: the caller passes in the time.
///
/// A ring of buckets, each for a tenth of the window: what is older leaves whether or not
/// anything happens meanwhile, and the size does not depend on the traffic.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    window: Duration,
    origin: Instant,
    /// The number of the bucket that is filled now, counted from the origin.
    newest: u64,
    buckets: [Counts; BUCKETS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) calls: u32,
    pub(super) faults: u32,
}

impl Window {
    pub(super) fn new(window: Duration, now: Instant) -> Self {
        Self { window, origin: now, newest: 0, buckets: [Counts::default(); BUCKETS] }
    }

    /// Whether it is one of this length: settings can change.
    pub(super) fn is_of(&self, window: Duration) -> bool {
        self.window == window
    }

    /// Counts a call that ended now.
    pub(super) fn record(&mut self, fault: bool, now: Instant) {
        self.slide(now);
        let bucket = &mut self.buckets[(self.newest % BUCKETS as u64) as usize];
        bucket.calls = bucket.calls.saturating_add(1);
        bucket.faults = bucket.faults.saturating_add(fault.into());
    }

    /// What ended within the window.
    pub(super) fn counts(&mut self, now: Instant) -> Counts {
        self.slide(now);
        self.buckets.iter().fold(Counts::default(), |sum, bucket| Counts {
            calls: sum.calls.saturating_add(bucket.calls),
            faults: sum.faults.saturating_add(bucket.faults),
        })
    }

    fn slide(&mut self, now: Instant) {
        let width = (self.window / BUCKETS as u32).max(Duration::from_nanos(1));
        let passed = now.saturating_duration_since(self.origin).as_nanos() / width.as_nanos();
        let number = u64::try_from(passed).unwrap_or(u64::MAX);
        // Calls may arrive out of order of their timestamps: an older one does not move the window
        // back.
        for stale in 1..=number.saturating_sub(self.newest).min(BUCKETS as u64) {
            let index = self.newest.wrapping_add(stale) % BUCKETS as u64;
            self.buckets[index as usize] = Counts::default();
        }
        self.newest = self.newest.max(number);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn what_is_older_than_the_window_leaves() {
        let start = Instant::now();
        let mut window = Window::new(ms(1000), start);
        window.record(false, start);
        window.record(true, start + ms(500));
        assert_eq!(window.counts(start + ms(999)), Counts { calls: 2, faults: 1 });
        assert_eq!(window.counts(start + ms(1000)), Counts { calls: 1, faults: 1 });
        assert_eq!(window.counts(start + ms(1500)), Counts::default());
    }

    #[test]
    fn odd_lengths_and_clocks_do_no_harm() {
        let start = Instant::now();
        let mut nothing = Window::new(Duration::ZERO, start);
        nothing.record(true, start + ms(5));
        assert_eq!(nothing.counts(start + ms(5)).calls, 1);
        let mut late = Window::new(ms(1000), start);
        late.record(true, start + ms(900));
        late.record(true, start + ms(100));
        assert_eq!(late.counts(start + ms(900)).calls, 2);
    }

    proptest! {
        /// Everything of the last nine tenths is counted, and nothing older than the window.
        #[test]
        fn it_lies_between_nine_tenths_and_the_whole(
            gaps in prop::collection::vec((0..400u64, any::<bool>()), 1..60),
        ) {
            let start = Instant::now();
            let (mut window, mut now, mut ended) = (Window::new(ms(1000), start), 0, vec![]);
            for (gap, fault) in gaps {
                now += gap;
                window.record(fault, start + ms(now));
                ended.push((now, fault));
                let counts = window.counts(start + ms(now));
                let within = |age: u64| {
                    let recent = ended.iter().filter(|(at, _)| now - at < age);
                    let faults = recent.clone().filter(|(_, fault)| *fault).count() as u32;
                    (recent.count() as u32, faults)
                };
                let (least, most) = (within(900), within(1000));
                prop_assert!(least.0 <= counts.calls && counts.calls <= most.0);
                prop_assert!(least.1 <= counts.faults && counts.faults <= most.1);
            }
        }
    }
}
