use hdrhistogram::Histogram;
use tokio::time::Duration;

use super::Percentiles;

/// Maximum latency that is recorded, in milliseconds: one hour.
const MAX_LATENCY_MS: u64 = 3_600_000;

/// How long things took, in milliseconds, within 1%. Takes some kilobytes, whatever it has seen.
#[derive(Clone, Debug)]
pub(super) struct LatencyHistogram(Histogram<u32>);

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, MAX_LATENCY_MS, 2).expect("the bounds are in order"))
    }
}

impl LatencyHistogram {
    /// Counts one; longer than an hour is an hour.
    pub(super) fn add(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    }

    /// `None` when nothing was counted.
    pub(super) fn percentiles(&self) -> Option<Percentiles> {
        if self.0.is_empty() {
            return None;
        }
        let at = |share| self.0.value_at_quantile(share);
        Some(Percentiles { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: self.0.max() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_near_and_bounded() {
        let mut spread = LatencyHistogram::default();
        assert_eq!(spread.percentiles(), None);
        (1..=1000).for_each(|ms| spread.add(Duration::from_millis(ms)));
        let Percentiles { p50, p90, p99, .. } = spread.percentiles().unwrap();
        for (is, should) in [(p50, 500), (p90, 900), (p99, 990)] {
            assert!(is.abs_diff(should) * 100 <= should, "{is} is not {should}");
        }
        spread.add(Duration::from_secs(1 << 30));
        spread.add(Duration::ZERO);
        assert!(spread.percentiles().unwrap().max.abs_diff(MAX_LATENCY_MS) < MAX_LATENCY_MS / 100);
    }
}
