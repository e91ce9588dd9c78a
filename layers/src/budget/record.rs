use std::{fmt, time::SystemTime};

use super::{Limit, Period, Spend, limit::Amount};

/// The persistent part of an account: its usage in the last day and month in which it was used.
/// What is reserved does not: its requests end with the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Usage of the day.
    pub day: Used,
    /// Usage of the month.
    pub month: Used,
}

/// Usage in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Which period it was, by its [number](Period::number).
    pub number: u32,
    /// The usage, plus the overdraft of earlier periods.
    pub spend: Spend,
}

impl Used {
    pub(super) fn nothing(period: Period, now: SystemTime) -> Self {
        Self { number: period.number(now), spend: Spend::NOTHING }
    }
}

/// An account's usage of one of its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetStatus {
    /// The limit.
    pub limit: Limit,
    /// Usage in this period; more than the limit when requests took more than estimated.
    pub used: u64,
    /// The sum of open reservations.
    pub reserved: u64,
    /// Start of the next period.
    pub resets_at: SystemTime,
}

impl fmt::Display for BudgetStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", Amount(self.limit.unit, self.used), self.limit)
    }
}
