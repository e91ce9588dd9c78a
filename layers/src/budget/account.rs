use std::time::{Duration, SystemTime};

use super::{BudgetStatus, Exhausted, Limit, Limits, Period, Record, Recovery, Spend, Unit, Used};

/// What one key has used and reserved. No clock, no lock.
///
/// What is reserved belongs to no period: it stands against all of them until it is settled, and
/// what was used is booked to those in which it is settled.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// By [`Period`].
    used: [Used; 2],
    /// By [`Unit`]. So wide that no number of reservations overflows it.
    reserved: [u128; 3],
}

impl Account {
    pub(super) fn new(now: SystemTime) -> Self {
        let used = Period::ALL.map(|period| Used::nothing(period, now));
        Self { used, reserved: [0; 3] }
    }

    pub(super) fn restored(Record { day, month }: Record) -> Self {
        Self { used: [day, month], reserved: [0; 3] }
    }

    pub(super) fn record(&self) -> Record {
        let [day, month] = self.used;
        Record { day, month }
    }

    /// Reserves the estimate if it fits every limit beside what is used and reserved. Of what it
    /// takes nothing it asks nothing, so that a model without a price works when the money is gone.
    pub(super) fn reserve(
        &mut self,
        limits: &Limits,
        estimate: Spend,
        now: SystemTime,
    ) -> Result<(), Exhausted> {
        self.roll(limits, now);
        let obstacles = limits.iter().filter_map(|limit| self.obstacle(limit, estimate, now));
        if let Some(longest) = obstacles.max_by_key(|exhausted| urgency(exhausted.until)) {
            return Err(longest);
        }
        for unit in Unit::ALL {
            self.reserved[unit as usize] += u128::from(estimate.of(unit));
        }
        Ok(())
    }

    /// Gives back what was reserved and books what was used.
    pub(super) fn settle(
        &mut self,
        limits: &Limits,
        estimate: Spend,
        actual: Spend,
        now: SystemTime,
    ) {
        self.release(estimate);
        self.roll(limits, now);
        for used in &mut self.used {
            used.spend = used.spend.plus(actual);
        }
    }

    /// Gives back what was reserved.
    pub(super) fn release(&mut self, estimate: Spend) {
        for unit in Unit::ALL {
            self.reserved[unit as usize] -= u128::from(estimate.of(unit));
        }
    }

    /// Moves on to the periods of now: what was used beyond a limit is used of the next one, too.
    pub(super) fn roll(&mut self, limits: &Limits, now: SystemTime) {
        for period in Period::ALL {
            let Used { number, spend } = &mut self.used[period as usize];
            let current = period.number(now);
            if let Some(passed @ 1..) = current.checked_sub(*number) {
                *spend = Spend::each(|unit| match limits.amount(period, unit) {
                    Some(limit) => {
                        spend.of(unit).saturating_sub(limit.saturating_mul(passed.into()))
                    }
                    None => 0,
                });
                *number = current;
            } else if *number - current > 1 {
                // The clock was set back, and not just read before another thread read it.
                *number = current;
            }
        }
    }

    /// Whether forgetting it forgets nothing that counts.
    pub(super) fn is_idle(&mut self, limits: &Limits, now: SystemTime) -> bool {
        self.roll(limits, now);
        let is_unused = |limit: Limit| self.used(limit) == 0;
        self.reserved == [0; 3] && limits.iter().all(is_unused)
    }

    pub(super) fn standings(&mut self, limits: &Limits, now: SystemTime) -> Vec<BudgetStatus> {
        self.roll(limits, now);
        let standing = |limit: Limit| BudgetStatus {
            limit,
            used: self.used(limit),
            reserved: self.reserved(limit),
            resets_at: limit.period.end(self.number(limit.period)),
        };
        limits.iter().map(standing).collect()
    }

    fn obstacle(&self, limit: Limit, estimate: Spend, now: SystemTime) -> Option<Exhausted> {
        let (needed, used) = (estimate.of(limit.unit), self.used(limit));
        let unused = limit.amount.saturating_sub(used);
        let left = unused.saturating_sub(self.reserved(limit));
        let until = if needed == 0 || needed <= left {
            return None;
        } else if needed > limit.amount {
            Recovery::Never
        } else if needed <= unused {
            Recovery::Settled
        } else {
            let end = limit.period.end(self.number(limit.period));
            Recovery::NextPeriod(end.duration_since(now).unwrap_or_default())
        };
        Some(Exhausted { limit, needed, left, until })
    }

    fn used(&self, limit: Limit) -> u64 {
        self.used[limit.period as usize].spend.of(limit.unit)
    }

    fn reserved(&self, limit: Limit) -> u64 {
        u64::try_from(self.reserved[limit.unit as usize]).unwrap_or(u64::MAX)
    }

    fn number(&self, period: Period) -> u32 {
        self.used[period as usize].number
    }
}

/// Orders exhausted limits: the one that resets last is reported.
fn urgency(until: Recovery) -> (u8, Duration) {
    match until {
        Recovery::Settled => (0, Duration::ZERO),
        Recovery::NextPeriod(wait) => (1, wait),
        Recovery::Never => (2, Duration::ZERO),
    }
}
