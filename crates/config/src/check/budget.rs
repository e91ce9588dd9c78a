//! Budgets, and the prices that those in dollars are counted by.

use std::net::IpAddr;

use indexmap::IndexMap;
use serde_saphyr::Spanned;
use switchtower_layers::budget::{
    Limit, Limits, Money,
    Period::{Day, Month},
    Price, Unit,
};

use super::Checker;
use crate::Config;
use crate::raw::{Entries, RawBudget, RawPrice, Text};

/// Dollars per million tokens, and per day or month: beyond that somebody has miscounted.
const HIGHEST_PRICE: f64 = 1e6;
const HIGHEST_BUDGET: f64 = 1e9;

impl Checker<'_> {
    pub(super) fn prices(
        &mut self,
        entries: Option<Entries<Option<RawPrice>>>,
    ) -> IndexMap<String, Price> {
        let entries = entries.map(|entries| entries.0).unwrap_or_default();
        self.unique("model", entries.iter().map(|(model, _)| model));
        let mut prices = IndexMap::new();
        for (model, raw) in entries {
            let RawPrice { input_per_mtok, cached_input_per_mtok, output_per_mtok } =
                raw.unwrap_or_default();
            let input = self.required(&model, "input_per_mtok", input_per_mtok);
            let output = self.required(&model, "output_per_mtok", output_per_mtok);
            let mut price = Price::per_million(input, output);
            if let Some(cached) = cached_input_per_mtok {
                price = price.cached(self.price("cached_input_per_mtok", &cached));
            }
            prices.insert(self.named("model", model), price);
        }
        prices
    }

    fn required(&mut self, model: &Text, name: &str, price: Option<Spanned<f64>>) -> Money {
        let Some(price) = price else {
            self.wrong(model, format!("the price of `{}` has no {name}", model.value))
                .help(format!("add, for example, `{name}: 0.27` (dollars per million tokens)"));
            return Money::ZERO;
        };
        self.price(name, &price)
    }

    fn price(&mut self, name: &str, price: &Spanned<f64>) -> Money {
        // Written so that it is no range for what is not a number, too.
        if !(0.0..=HIGHEST_PRICE).contains(&price.value) {
            self.wrong(price, format!("`{name}` is dollars per million tokens, from 0 to 1000000"));
        }
        dollars(price.value)
    }

    pub(super) fn budgets(
        &mut self,
        entries: Option<Entries<Option<RawBudget>>>,
        prices: &IndexMap<String, Price>,
    ) -> IndexMap<String, Limits> {
        let entries = entries.map(|entries| entries.0).unwrap_or_default();
        self.unique("budget", entries.iter().map(|(name, _)| name));
        let mut budgets = IndexMap::new();
        for (name, raw) in entries {
            let limits = self.budget(&name, raw.unwrap_or_default(), prices);
            if name.value.parse::<IpAddr>().is_ok() {
                self.wrong(&name, format!("`{}` is an address, not a client", name.value))
                    .help(format!("`{}` is the budget of each address", Config::OTHERS));
            }
            let name = self.named("budget's name", name);
            if name != Config::OTHERS && !self.clients.contains(&name) {
                self.warnings.push(format!(
                    "the budget of `{name}` never applies: there is no client key of that name"
                ));
            }
            budgets.insert(name, limits);
        }
        budgets
    }

    /// That of one client.
    pub(super) fn budget(
        &mut self,
        name: &Text,
        raw: RawBudget,
        prices: &IndexMap<String, Price>,
    ) -> Limits {
        let limits = self.limits(raw);
        let client = &name.value;
        if limits.is_empty() {
            self.wrong(name, format!("the budget of `{client}` has no limit"))
                .help("add, for example, `tokens_per_day: 5000000`".to_owned());
        }
        let counts_dollars = limits.iter().any(|limit| limit.unit == Unit::Money);
        if counts_dollars && prices.is_empty() {
            self.warnings.push(format!(
                "the dollars of the budget of `{client}` are never used up: no model has a price"
            ));
        } else if counts_dollars && !prices.contains_key(Config::OTHERS) {
            self.warnings.push(format!(
                "the dollars of the budget of `{client}` count only models that have a price: \
                 `{}` in `prices` is for all others",
                Config::OTHERS
            ));
        }
        limits
    }

    fn limits(&mut self, raw: RawBudget) -> Limits {
        let amounts = [
            (Limit::requests(0, Day), raw.requests_per_day),
            (Limit::requests(0, Month), raw.requests_per_month),
            (Limit::tokens(0, Day), raw.tokens_per_day),
            (Limit::tokens(0, Month), raw.tokens_per_month),
        ];
        let dollars = [
            (Limit::money(Money::ZERO, Day), raw.usd_per_day),
            (Limit::money(Money::ZERO, Month), raw.usd_per_month),
        ];
        let amounts = amounts.into_iter().filter_map(|(limit, raw)| Some((limit, raw?)));
        let mut limits: Vec<Limit> = Vec::new();
        for (limit, raw) in amounts {
            if raw.value == 0 {
                self.wrong(&raw, format!("`{}` has to be at least 1", limit.name()));
            }
            limits.push(Limit { amount: raw.value, ..limit });
        }
        for (limit, raw) in dollars.into_iter().filter_map(|(limit, raw)| Some((limit, raw?))) {
            limits.push(Limit { amount: self.dollars(limit.name(), &raw).nanos(), ..limit });
        }
        limits.into_iter().collect()
    }

    fn dollars(&mut self, name: &str, raw: &Spanned<f64>) -> Money {
        let money = dollars(raw.value);
        if money == Money::ZERO || raw.value > HIGHEST_BUDGET {
            self.wrong(raw, format!("`{name}` has to be more than 0 and at most 1000000000"));
        }
        money
    }
}

/// To the nearest nano-dollar; below zero, and what is no number, is nothing.
fn dollars(amount: f64) -> Money {
    Money::from_nanos((amount * 1e9).round() as u64)
}
