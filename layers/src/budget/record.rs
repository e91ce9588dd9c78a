use std::{fmt, time::SystemTime};

use super::{Limit, Period, Spend, limit::Amount};

/// What outlives a restart of an account: what was used in the day and the month that were the
/// last in which it was. What is reserved does not: its requests end with the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// In a day.
    pub day: Used,
    /// In a month.
    pub month: Used,
}

/// What was used in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Which period it was, by its [number](Period::number).
    pub number: u32,
    /// What was used, with what earlier periods were over their limits.
    pub spend: Spend,
}

impl Used {
    pub(super) fn nothing(period: Period, now: SystemTime) -> Self {
        Self { number: period.number(now), spend: Spend::NOTHING }
    }
}

/// How an account stands with one of its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetStatus {
    /// The limit.
    pub limit: Limit,
    /// What was used in this period; more than the limit when requests took more than estimated.
    pub used: u64,
    /// What requests under way may use.
    pub reserved: u64,
    /// When the next period begins.
    pub resets_at: SystemTime,
}

impl fmt::Display for BudgetStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", Amount(self.limit.unit, self.used), self.limit)
    }
}
