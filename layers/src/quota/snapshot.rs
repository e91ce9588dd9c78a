use std::{fmt, time::SystemTime};

/// A provider's remaining quota, as a source reported it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Whether anything is left. See [`is_available`](Self::is_available).
    pub available: bool,
    /// Usage of the fullest window, in percent.
    pub used_percent: Option<f64>,
    /// Remaining balance.
    pub balance: Option<Balance>,
    /// One line for people, such as `Balance: ¥561.18` or `Credits: 0, Secondary: 98%`.
    pub summary: String,
    /// Time at which quota is available again, if that is known.
    pub resets_at: Option<SystemTime>,
    /// Time of the report.
    pub as_of: SystemTime,
}

impl Snapshot {
    /// Seen now, with nothing else known.
    pub fn new(available: bool, summary: impl Into<String>) -> Self {
        Self {
            available,
            used_percent: None,
            balance: None,
            summary: summary.into(),
            resets_at: None,
            as_of: SystemTime::now(),
        }
    }

    /// Sets the usage in percent.
    #[must_use]
    pub fn used_percent(mut self, percent: f64) -> Self {
        self.used_percent = Some(percent);
        self
    }

    /// Sets the remaining balance.
    #[must_use]
    pub fn balance(mut self, balance: Balance) -> Self {
        self.balance = Some(balance);
        self
    }

    /// Sets the time at which quota is available again.
    #[must_use]
    pub fn resets_at(mut self, at: SystemTime) -> Self {
        self.resets_at = Some(at);
        self
    }

    /// Whether anything is left now: it was when this was seen, or the reset has come since. A
    /// reset that was over even then says nothing.
    pub fn is_available(&self, now: SystemTime) -> bool {
        self.available || self.resets_at.is_some_and(|at| self.as_of < at && at <= now)
    }
}

/// An amount of money. It displays with the sign of its currency and two digits: `¥561.18`.
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    /// The amount.
    pub amount: f64,
    /// Its ISO 4217 currency code: `CNY`.
    pub currency: String,
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded first, so that nothing is not written with a minus.
        let cents = (self.amount * 100.0).round();
        let (minus, amount) = (if cents < 0.0 { "-" } else { "" }, cents.abs() / 100.0);
        let sign = match self.currency.as_str() {
            "CNY" | "JPY" => "¥",
            "USD" => "$",
            "EUR" => "€",
            "GBP" => "£",
            currency => return write!(f, "{minus}{amount:.2} {currency}"),
        };
        write!(f, "{minus}{sign}{amount:.2}")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn money_is_written_as_people_do() {
        for (amount, currency, text) in [
            (561.18, "CNY", "¥561.18"),
            (0.0, "CNY", "¥0.00"),
            (-0.001, "USD", "$0.00"),
            (-1.5, "USD", "-$1.50"),
            (2.999, "EUR", "€3.00"),
            (7.0, "CHF", "7.00 CHF"),
        ] {
            let balance = Balance { amount, currency: currency.into() };
            assert_eq!(balance.to_string(), text);
        }
    }

    #[test]
    fn a_reset_counts_when_it_comes_after_the_look() {
        let seen = Snapshot::new(false, "none");
        let (before, soon) =
            (seen.as_of - Duration::from_secs(1), seen.as_of + Duration::from_secs(1));
        assert!(!seen.is_available(soon));
        let coming = seen.clone().resets_at(soon);
        assert!(!coming.is_available(seen.as_of) && coming.is_available(soon));
        assert!(
            !seen.clone().resets_at(before).is_available(soon),
            "it was over, and none was left"
        );
        assert!(Snapshot::new(true, "some").resets_at(soon).is_available(before));
    }
}
