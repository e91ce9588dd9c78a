use std::fmt;

use super::Unit;

/// An amount of requests, tokens and money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spend {
    /// Requests.
    pub requests: u64,
    /// Tokens of prompts and answers together.
    pub tokens: u64,
    /// The money.
    pub money: Money,
}

impl Spend {
    /// The zero amount.
    pub const NOTHING: Self = Self { requests: 0, tokens: 0, money: Money::ZERO };

    /// The amount of one unit; money in nano-dollars.
    pub const fn of(&self, unit: Unit) -> u64 {
        match unit {
            Unit::Requests => self.requests,
            Unit::Tokens => self.tokens,
            Unit::Money => self.money.nanos(),
        }
    }

    /// The same for each unit.
    pub(super) fn each(f: impl Fn(Unit) -> u64) -> Self {
        Self {
            requests: f(Unit::Requests),
            tokens: f(Unit::Tokens),
            money: Money::from_nanos(f(Unit::Money)),
        }
    }

    /// Both together. What would not fit stays at the most that fits.
    pub(super) fn plus(self, other: Self) -> Self {
        Self::each(|unit| self.of(unit).saturating_add(other.of(unit)))
    }
}

/// US dollars, in whole nano-dollars: up to 18 billion dollars.
///
/// ```
/// use switchtower_layers::budget::Money;
///
/// assert_eq!(Money::from_dollars(50).to_string(), "50 USD");
/// assert_eq!(Money::from_nanos(270).to_string(), "0.00000027 USD");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(u64);

impl Money {
    /// Zero.
    pub const ZERO: Self = Self(0);

    const PER_DOLLAR: u64 = 1_000_000_000;

    /// An amount in nano-dollars.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// An amount in dollars, saturating.
    pub const fn from_dollars(dollars: u64) -> Self {
        Self(dollars.saturating_mul(Self::PER_DOLLAR))
    }

    /// The amount in nano-dollars.
    pub const fn nanos(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, nanos) = (self.0 / Self::PER_DOLLAR, self.0 % Self::PER_DOLLAR);
        if nanos == 0 {
            return write!(f, "{dollars} USD");
        }
        let digits = format!("{nanos:09}");
        write!(f, "{dollars}.{} USD", digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_without_losing_any() {
        for (nanos, text) in [
            (0, "0 USD"),
            (1, "0.000000001 USD"),
            (1_500_000_000, "1.5 USD"),
            (50_000_000_000, "50 USD"),
            (u64::MAX, "18446744073.709551615 USD"),
        ] {
            assert_eq!(Money::from_nanos(nanos).to_string(), text);
        }
        assert_eq!(Money::from_dollars(u64::MAX).nanos(), u64::MAX);
    }
}
