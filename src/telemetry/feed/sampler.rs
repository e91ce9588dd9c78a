use tokio::time::{Duration, Instant};

/// So many in any second are told of.
const MOST: usize = 10;

const SECOND: Duration = Duration::from_secs(1);

/// Which requests are told of, and how many were not. No clock, no lock.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    /// When the last ones were admitted; `next` is the oldest.
    admitted: [Option<Instant>; MOST],
    next: usize,
    left_out: u64,
}

impl Sampler {
    /// Whether this one is told of; else it is counted.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        let oldest = &mut self.admitted[self.next];
        if oldest.is_some_and(|at| now.saturating_duration_since(at) < SECOND) {
            self.left_out += 1;
            return false;
        }
        *oldest = Some(now);
        self.next = (self.next + 1) % MOST;
        true
    }

    /// How many were not told of so far.
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
            for window in admitted.windows(MOST + 1) {
                prop_assert!(window[MOST] - window[0] >= SECOND);
            }
        }
    }
}
