use tokio::time::{Duration, Instant};

/// Maximum number of events per second.
const MAX_EVENTS_PER_SECOND: usize = 10;

const SECOND: Duration = Duration::from_secs(1);

/// Limits the rate of events, and counts those that were left out. No clock, no lock.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    /// When the last ones were admitted; `next` is the oldest.
    admitted: [Option<Instant>; MAX_EVENTS_PER_SECOND],
    next: usize,
    left_out: u64,
}

impl Sampler {
    /// Whether this event is published; else it is counted.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        let oldest = &mut self.admitted[self.next];
        if oldest.is_some_and(|at| now.saturating_duration_since(at) < SECOND) {
            self.left_out += 1;
            return false;
        }
        *oldest = Some(now);
        self.next = (self.next + 1) % MAX_EVENTS_PER_SECOND;
        true
    }

    /// Number of events that were left out so far.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ten_in_a_second_and_then_the_next_ones() {
        let (mut pace, start) = (Sampler::default(), Instant::now());
        let admitted = |pace: &mut Sampler, ms| {
            (0..25).filter(|_| pace.admit(start + Duration::from_millis(ms))).count()
        };
        assert_eq!(admitted(&mut pace, 0), 10);
        assert_eq!(admitted(&mut pace, 999), 0);
        assert_eq!(pace.left_out(), 40);
        assert_eq!(admitted(&mut pace, 1000), 10);
    }

    proptest! {
        #[test]
        fn never_more_than_ten_in_any_second(gaps in prop::collection::vec(0_u64..400, 0..300)) {
            let (mut pace, mut now) = (Sampler::default(), Instant::now());
            let (mut admitted, count) = (Vec::new(), gaps.len());
            for gap in gaps {
                now += Duration::from_millis(gap);
                if pace.admit(now) {
                    admitted.push(now);
                }
            }
            prop_assert_eq!(admitted.len() as u64 + pace.left_out(), count as u64);
            for window in admitted.windows(MAX_EVENTS_PER_SECOND + 1) {
                prop_assert!(window[MAX_EVENTS_PER_SECOND] - window[0] >= SECOND);
            }
        }
    }
}
