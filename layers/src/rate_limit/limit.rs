use std::{fmt, num::NonZeroU32, time::Duration};

use governor::Quota;

/// governor counts nanoseconds in 64 bits without a check; a century leaves room for all sums.
const CENTURY: u128 = 100 * 365 * 24 * 60 * 60 * 1_000_000_000;

/// A number of requests (or tokens) per period, and the burst.
///
/// What was used comes back evenly, not at the end of a period: with 60 per minute, one each
/// second. In any period at most the burst and the amount pass; with a burst of 1, they are spaced.
///
/// ```
/// use switchtower_layers::rate_limit::Limit;
///
/// assert_eq!(Limit::per_minute(60).to_string(), "60 requests per minute");
/// let limit = Limit::per_hour(1000).burst(10);
/// assert_eq!(limit.to_string(), "1000 requests per hour, 10 at once");
/// assert_eq!(Limit::per_minute(90_000).tokens().to_string(), "90000 tokens per minute");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    amount: u32,
    period: Duration,
    burst: u32,
    unit: Unit,
}

/// The unit of a limit: it names the headers and the messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// `x-ratelimit-limit-requests` and so on.
    #[default]
    Requests,
    /// `x-ratelimit-limit-tokens` and so on.
    Tokens,
}

impl Limit {
    /// A limit of requests per period, all of them at once if need be.
    ///
    /// # Panics
    ///
    /// If one of them is zero: at compile time in a constant.
    pub const fn new(amount: u32, period: Duration) -> Self {
        assert!(amount > 0, "a limit of nothing");
        assert!(!period.is_zero(), "a limit per no time");
        Self { amount, period, burst: amount, unit: Unit::Requests }
    }

    /// [`new`](Self::new) with a second.
    pub const fn per_second(amount: u32) -> Self {
        Self::new(amount, Duration::from_secs(1))
    }

    /// [`new`](Self::new) with a minute.
    pub const fn per_minute(amount: u32) -> Self {
        Self::new(amount, Duration::from_secs(60))
    }

    /// [`new`](Self::new) with an hour.
    pub const fn per_hour(amount: u32) -> Self {
        Self::new(amount, Duration::from_secs(60 * 60))
    }

    /// [`new`](Self::new) with a day.
    pub const fn per_day(amount: u32) -> Self {
        Self::new(amount, Duration::from_secs(24 * 60 * 60))
    }

    /// Sets the burst: the maximum number at once, after a time without any. One that takes more
    /// than a century to come back is lowered to what a century brings.
    ///
    /// # Panics
    ///
    /// If it is zero: at compile time in a constant.
    #[must_use]
    pub const fn burst(mut self, burst: u32) -> Self {
        assert!(burst > 0, "a burst of nothing");
        self.burst = burst;
        self
    }

    /// Counts tokens: for a layer with a [cost](super::RateLimitLayer::cost).
    #[must_use]
    pub const fn tokens(mut self) -> Self {
        self.unit = Unit::Tokens;
        self
    }

    /// The unit of the limit.
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    /// The maximum number at once.
    pub fn capacity(&self) -> NonZeroU32 {
        let most = CENTURY / self.interval().as_nanos();
        let burst = u128::from(self.burst).min(most);
        u32::try_from(burst).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN)
    }

    /// The time in which one comes back: rounded up, so that it is never more than the limit.
    pub(super) fn interval(&self) -> Duration {
        let nanos = self.period.as_nanos().div_ceil(u128::from(self.amount)).min(CENTURY);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The time in which a whole burst comes back.
    pub(super) fn fill(&self) -> Duration {
        self.interval() * self.capacity().get()
    }

    pub(super) fn quota(&self) -> Quota {
        let quota = Quota::with_period(self.interval()).expect("an interval is never zero");
        quota.allow_burst(self.capacity())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.unit.name())?;
        if self.amount == 1 {
            f.write_str(" per ")?;
        } else {
            f.write_str("s per ")?;
        }
        match (self.period.as_secs(), self.period.subsec_nanos()) {
            (1, 0) => f.write_str("second")?,
            (60, 0) => f.write_str("minute")?,
            (3600, 0) => f.write_str("hour")?,
            (86_400, 0) => f.write_str("day")?,
            _ => write!(f, "{:?}", self.period)?,
        }
        if self.burst != self.amount {
            write!(f, ", {} at once", self.capacity())?;
        }
        Ok(())
    }
}

impl Unit {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Requests => "request",
            Self::Tokens => "token",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_comes_back_per_interval_never_sooner() {
        let nanos = |limit: Limit| limit.interval().as_nanos();
        assert_eq!(nanos(Limit::per_minute(60)), 1_000_000_000);
        assert_eq!(nanos(Limit::per_second(3)), 333_333_334);
        assert_eq!(nanos(Limit::per_second(u32::MAX)), 1);
        assert_eq!(nanos(Limit::new(1, Duration::from_nanos(1))), 1);
        assert_eq!(Limit::per_minute(60).burst(10).fill(), Duration::from_secs(10));
    }

    #[test]
    fn what_would_overflow_is_lowered() {
        for limit in [
            Limit::per_day(1).burst(u32::MAX),
            Limit::new(1, Duration::MAX),
            Limit::new(1, Duration::MAX).burst(u32::MAX),
            Limit::per_second(u32::MAX),
        ] {
            assert!(limit.fill().as_nanos() <= CENTURY, "{limit}");
            assert_eq!(limit.quota().burst_size(), limit.capacity());
        }
        assert_eq!(Limit::per_day(1).burst(u32::MAX).capacity().get(), 36_500);
    }

    #[test]
    fn it_says_what_it_is() {
        for (limit, text) in [
            (Limit::per_second(1), "1 request per second"),
            (Limit::per_day(2).tokens(), "2 tokens per day"),
            (Limit::new(5, Duration::from_millis(1500)), "5 requests per 1.5s"),
            (Limit::per_minute(1).burst(3), "1 request per minute, 3 at once"),
        ] {
            assert_eq!(limit.to_string(), text);
        }
    }

    #[test]
    #[should_panic(expected = "a limit of nothing")]
    fn nothing_is_no_limit() {
        let _ = Limit::per_minute(0);
    }
}
