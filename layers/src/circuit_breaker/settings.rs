use std::time::Duration;

/// Maximum reset timeout; longer ones are capped, so that no `Instant` overflows.
const MAX_RESET_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Thresholds and times of a circuit breaker. The [module](super) has the defaults.
///
/// ```
/// use std::time::Duration;
/// use switchtower_layers::circuit_breaker::Settings;
///
/// let settings = Settings::default()
///     .consecutive_faults(5)
///     .fault_rate(0.5, Duration::from_secs(60), 20)
///     .open_for(Duration::from_secs(10))
///     .growth(2.0, Duration::from_secs(300));
/// # let _ = settings;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    pub(super) consecutive_faults: u32,
    pub(super) fault_rate: Option<FaultRate>,
    pub(super) open_for: Duration,
    pub(super) growth: Option<Growth>,
    pub(super) probes: u32,
    pub(super) probe_time: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FaultRate {
    pub(super) threshold: f64,
    pub(super) window: Duration,
    pub(super) minimum_calls: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Growth {
    factor: f64,
    longest: Duration,
}

impl Settings {
    /// Opens after this many faults without a success between them. Zero switches this off.
    #[must_use]
    pub const fn consecutive_faults(mut self, faults: u32) -> Self {
        self.consecutive_faults = faults;
        self
    }

    /// Opens, too, when this share (from 0 to 1) of the calls that ended within `window` were
    /// faults, once there are `minimum_calls` of them. The window slides in steps of a tenth of
    /// it; the rate is looked at with each fault.
    #[must_use]
    pub const fn fault_rate(
        mut self,
        threshold: f64,
        window: Duration,
        minimum_calls: u32,
    ) -> Self {
        self.fault_rate = Some(FaultRate { threshold, window, minimum_calls });
        self
    }

    /// Sets the time after which an open circuit lets a probe through.
    #[must_use]
    pub const fn open_for(mut self, wait: Duration) -> Self {
        self.open_for = wait;
        self
    }

    /// Makes the wait `factor` times longer with each probe that fails, up to `longest`. A
    /// circuit that has closed starts again with [`open_for`](Self::open_for).
    #[must_use]
    pub const fn growth(mut self, factor: f64, longest: Duration) -> Self {
        self.growth = Some(Growth { factor, longest });
        self
    }

    /// Sets the number of probes of a half-open circuit; all of them have to succeed for it to
    /// close. Zero is as good as one.
    #[must_use]
    pub const fn probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }

    /// Time after which another probe may replace one that has not ended, so that a stalled reader
    /// cannot hold a circuit half-open. Should be longer than any deadline.
    #[must_use]
    pub const fn probe_time(mut self, time: Duration) -> Self {
        self.probe_time = time;
        self
    }

    pub(super) fn places(&self) -> usize {
        self.probes.max(1) as usize
    }

    /// The wait of a circuit that has opened `trips` times since it was closed.
    pub(super) fn wait(&self, trips: u32) -> Duration {
        let wait = match self.growth {
            Some(Growth { factor, longest }) => {
                let exponent = trips.saturating_sub(1).min(1 << 16) as i32;
                let seconds = self.open_for.as_secs_f64() * factor.powi(exponent);
                Duration::try_from_secs_f64(seconds).unwrap_or(longest).min(longest)
            }
            None => self.open_for,
        };
        wait.min(MAX_RESET_TIMEOUT)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            consecutive_faults: 3,
            fault_rate: None,
            open_for: Duration::from_secs(30),
            growth: None,
            probes: 1,
            probe_time: Duration::from_secs(300),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn waits_grow_up_to_the_longest() {
        let growing = Settings::default().growth(2.0, seconds(100));
        let waits = [1, 2, 3, 4, u32::MAX].map(|trips| growing.wait(trips).as_secs());
        assert_eq!(waits, [30, 60, 100, 100, 100]);
        assert_eq!(Settings::default().wait(9), seconds(30), "off by default");
    }

    #[test]
    fn no_wait_overflows() {
        assert_eq!(Settings::default().open_for(Duration::MAX).wait(1), MAX_RESET_TIMEOUT);
        for factor in [f64::NAN, f64::INFINITY, -2.0] {
            let wait = Settings::default().growth(factor, seconds(100)).wait(2);
            assert_eq!(wait, seconds(100), "{factor}");
        }
    }
}
