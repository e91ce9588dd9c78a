use std::fmt;

use super::{Money, Period};

/// The unit of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// Requests.
    Requests,
    /// Tokens of prompts and answers together.
    Tokens,
    /// US dollars; amounts are in nano-dollars.
    Money,
}

impl Unit {
    /// All units.
    pub const ALL: [Self; 3] = [Self::Requests, Self::Tokens, Self::Money];
}

/// An amount in words: `1 request`, `5 tokens`, `0.5 USD`.
pub(super) struct Amount(pub(super) Unit, pub(super) u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(unit, amount) = *self;
        let plural = if amount == 1 { "" } else { "s" };
        match unit {
            Unit::Requests => write!(f, "{amount} request{plural}"),
            Unit::Tokens => write!(f, "{amount} token{plural}"),
            Unit::Money => Money::from_nanos(amount).fmt(f),
        }
    }
}

/// An amount per day or month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    /// The unit of the amount.
    pub unit: Unit,
    /// The period of the limit.
    pub period: Period,
    /// The amount; money in nano-dollars.
    pub amount: u64,
}

impl Limit {
    /// A limit of requests per period.
    pub const fn requests(amount: u64, period: Period) -> Self {
        Self { unit: Unit::Requests, period, amount }
    }

    /// A limit of tokens per period.
    pub const fn tokens(amount: u64, period: Period) -> Self {
        Self { unit: Unit::Tokens, period, amount }
    }

    /// A limit of money per period.
    pub const fn money(amount: Money, period: Period) -> Self {
        Self { unit: Unit::Money, period, amount: amount.nanos() }
    }

    /// Its name in a configuration: `tokens_per_day`, `usd_per_month`.
    pub const fn name(&self) -> &'static str {
        match (self.unit, self.period) {
            (Unit::Requests, Period::Day) => "requests_per_day",
            (Unit::Requests, Period::Month) => "requests_per_month",
            (Unit::Tokens, Period::Day) => "tokens_per_day",
            (Unit::Tokens, Period::Month) => "tokens_per_month",
            (Unit::Money, Period::Day) => "usd_per_day",
            (Unit::Money, Period::Month) => "usd_per_month",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per {}", Amount(self.unit, self.amount), self.period.name())
    }
}

/// The limits of one key: at most one for each unit and period, and none by default.
///
/// ```
/// use switchtower_layers::budget::{Limit, Limits, Money, Period};
///
/// let limits = Limits::from([
///     Limit::tokens(5_000_000, Period::Day),
///     Limit::money(Money::from_dollars(50), Period::Month),
/// ]);
/// let names: Vec<_> = limits.iter().map(|limit| limit.to_string()).collect();
/// assert_eq!(names, ["5000000 tokens per day", "50 USD per month"]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits([[Option<u64>; 3]; 2]);

impl Limits {
    /// No limits.
    pub const NONE: Self = Self([[None; 3]; 2]);

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// Iterates over the limits, days before months.
    pub fn iter(&self) -> impl Iterator<Item = Limit> {
        let of = move |period, unit| {
            let amount = self.amount(period, unit)?;
            Some(Limit { unit, period, amount })
        };
        Period::ALL
            .into_iter()
            .flat_map(move |period| Unit::ALL.into_iter().filter_map(move |unit| of(period, unit)))
    }

    pub(super) fn amount(&self, period: Period, unit: Unit) -> Option<u64> {
        self.0[period as usize][unit as usize]
    }
}

/// Of two for the same unit and period the later counts.
impl FromIterator<Limit> for Limits {
    fn from_iter<I: IntoIterator<Item = Limit>>(limits: I) -> Self {
        let mut all = Self::NONE;
        for Limit { unit, period, amount } in limits {
            all.0[period as usize][unit as usize] = Some(amount);
        }
        all
    }
}

impl<const N: usize> From<[Limit; N]> for Limits {
    fn from(limits: [Limit; N]) -> Self {
        limits.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_say_what_they_are() {
        for (limit, name, text) in [
            (Limit::requests(1, Period::Day), "requests_per_day", "1 request per day"),
            (Limit::tokens(2, Period::Month), "tokens_per_month", "2 tokens per month"),
            (
                Limit::money(Money::from_nanos(500_000_000), Period::Day),
                "usd_per_day",
                "0.5 USD per day",
            ),
        ] {
            assert_eq!((limit.name(), limit.to_string().as_str()), (name, text));
        }
    }

    #[test]
    fn there_is_one_for_each_unit_and_period() {
        assert!(Limits::default().is_empty() && Limits::NONE.iter().next().is_none());
        let [first, other, again] = [
            Limit::tokens(1, Period::Day),
            Limit::tokens(2, Period::Month),
            Limit::tokens(3, Period::Day),
        ];
        let limits = Limits::from([first, other, again]);
        assert_eq!(limits.iter().collect::<Vec<_>>(), [again, other]);
        assert!(!limits.is_empty());
    }
}
