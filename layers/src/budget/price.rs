use std::collections::HashMap;

use super::Money;
use crate::{Target, exchange::Usage};

/// Prices of tokens.
///
/// A closure `|target: Option<&Target>, asked: Option<&str>, usage: &Usage| -> Money` is one.
pub trait Pricing {
    /// The price of an answer by a target, or, while the target is unknown, by the model that the
    /// client requested (`None` if it named none).
    fn price(&self, target: Option<&Target>, asked: Option<&str>, usage: &Usage) -> Money;
}

impl<F: Fn(Option<&Target>, Option<&str>, &Usage) -> Money> Pricing for F {
    fn price(&self, target: Option<&Target>, asked: Option<&str>, usage: &Usage) -> Money {
        self(target, asked, usage)
    }
}

/// Pricing at zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPricing;

impl Pricing for NoPricing {
    fn price(&self, _: Option<&Target>, _: Option<&str>, _: &Usage) -> Money {
        Money::ZERO
    }
}

/// Nano-dollars per million tokens of one model: 270 000 000 is 0.27 USD per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Prompt tokens.
    pub input: u64,
    /// Prompt tokens from the provider's cache.
    pub cached_input: u64,
    /// Tokens of the answer.
    pub output: u64,
}

impl Price {
    /// A price in money per million prompt tokens, cached or not, and per million output tokens.
    pub const fn per_million(input: Money, output: Money) -> Self {
        let input = input.nanos();
        Self { input, cached_input: input, output: output.nanos() }
    }

    /// Another price for prompt tokens from the provider's cache.
    #[must_use]
    pub const fn cached(mut self, price: Money) -> Self {
        self.cached_input = price.nanos();
        self
    }

    /// The cost of this usage, rounded up to whole nano-dollars once.
    pub fn of(&self, usage: &Usage) -> Money {
        let cached = usage.cached_input.min(usage.input);
        let parts = [
            (usage.input - cached, self.input),
            (cached, self.cached_input),
            (usage.output, self.output),
        ];
        let product = |(tokens, price)| u128::from(tokens) * u128::from(price);
        // Three products of two 64-bit numbers may be just too much for 128 bits.
        let sum = parts.into_iter().map(product).fold(0u128, u128::saturating_add);
        Money::from_nanos(u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}

/// Prices by model: that of the target's, else of the model that the client asked for, with or
/// without the provider before it (`provider/model`), else that of all [others](Self::others).
/// Without any of these it costs nothing.
///
/// ```
/// use switchtower_layers::budget::{Money, Price, PriceList};
///
/// let cents = |cents: u64| Money::from_nanos(cents * 10_000_000);
/// let prices = PriceList::from_iter([("deepseek-chat", Price::per_million(cents(27), cents(110)))]);
/// assert_eq!(prices.get("deepseek-chat").map(|price| price.output), Some(1_100_000_000));
/// ```
#[derive(Clone, Debug, Default)]
pub struct PriceList {
    models: std::sync::Arc<HashMap<Box<str>, Price>>,
    others: Option<Price>,
}

impl PriceList {
    /// The price of a model.
    pub fn get(&self, model: &str) -> Option<&Price> {
        self.models.get(model)
    }

    /// The price of every model that has none of its own. Clients choose the names: without it one
    /// that is not on the list, such as a dated version, is free.
    #[must_use]
    pub fn others(mut self, price: Price) -> Self {
        self.others = Some(price);
        self
    }

    fn asked(&self, model: &str) -> Option<&Price> {
        let pinned = || self.get(model.split_once('/')?.1);
        self.get(model).or_else(pinned)
    }
}

impl<M: Into<Box<str>>> FromIterator<(M, Price)> for PriceList {
    fn from_iter<I: IntoIterator<Item = (M, Price)>>(prices: I) -> Self {
        let models = prices.into_iter().map(|(model, price)| (model.into(), price)).collect();
        Self { models: std::sync::Arc::new(models), others: None }
    }
}

impl Pricing for PriceList {
    fn price(&self, target: Option<&Target>, asked: Option<&str>, usage: &Usage) -> Money {
        let price = target.and_then(|target| self.get(&target.model));
        let price = price.or_else(|| self.asked(asked?));
        price.or(self.others.as_ref()).map_or(Money::ZERO, |price| price.of(usage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;

    fn usage(input: u64, cached_input: u64, output: u64) -> Usage {
        Usage { input, cached_input, output, ..Usage::default() }
    }

    #[test]
    fn prices_are_exact_and_rounded_up_once() {
        // 0.27 and 1.10 USD per million; 0.07 from the cache.
        let price =
            Price::per_million(Money::from_nanos(270_000_000), Money::from_nanos(1_100_000_000))
                .cached(Money::from_nanos(70_000_000));
        for (usage, nanos) in [
            (usage(0, 0, 0), 0),
            (usage(1, 0, 0), 270),
            (usage(9, 0, 3), 9 * 270 + 3 * 1100),
            (usage(9, 4, 3), 5 * 270 + 4 * 70 + 3 * 1100),
            (usage(4, 9, 0), 4 * 70),
            (usage(1_000_000, 0, 1_000_000), 1_370_000_000),
            (usage(u64::MAX, 0, 0), u64::MAX),
        ] {
            assert_eq!(price.of(&usage).nanos(), nanos, "{usage:?}");
        }
        let tiny = Price { input: 1, cached_input: 1, output: 1 };
        assert_eq!(tiny.of(&usage(500_000, 0, 500_000)).nanos(), 1);
        assert_eq!(tiny.of(&usage(500_000, 0, 500_001)).nanos(), 2);
        let huge = Price { input: u64::MAX, cached_input: u64::MAX, output: u64::MAX };
        assert_eq!(huge.of(&usage(u64::MAX, u64::MAX / 2, u64::MAX)).nanos(), u64::MAX);
    }

    #[test]
    fn the_target_counts_before_what_was_asked_for() {
        let price = |n: u64| Price { input: n * 1_000_000, cached_input: 0, output: 0 };
        let prices =
            PriceList::from_iter([("real", price(1)), ("asked", price(2)), ("a/b", price(3))]);
        let target = |model: &str| Target {
            provider: "p".into(),
            model: model.into(),
            dialect: Dialect::Chat,
        };
        for (answered, asked, nanos) in [
            (Some("real"), Some("asked"), 1),
            (Some("other"), Some("asked"), 2),
            (None, Some("asked"), 2),
            (None, Some("p/asked"), 2),
            (None, Some("a/b"), 3),
            (Some("other"), Some("unknown"), 0),
            (Some("other"), None, 0),
            (None, None, 0),
        ] {
            let target = answered.map(target);
            let money = prices.price(target.as_ref(), asked, &usage(1, 0, 0));
            assert_eq!(money.nanos(), nanos, "{answered:?} {asked:?}");
            let money =
                prices.clone().others(price(9)).price(target.as_ref(), asked, &usage(1, 0, 0));
            assert_eq!(money.nanos(), if nanos == 0 { 9 } else { nanos });
        }
    }
}
