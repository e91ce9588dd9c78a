//! `models.budgets` and `models.prices` to the budget layer.

use switchtower_layers::budget::{BudgetLayer, Ledger, Price, PriceList, SizeEstimator};

use crate::{
    budget::{ByClient, Client},
    config::Config,
};

/// Budgets per client, day and month. `ledger` outlives the layer.
pub(crate) fn layer(
    config: &Config,
    ledger: Ledger<Client>,
) -> BudgetLayer<Client, ByClient, SizeEstimator, PriceList> {
    let estimator = SizeEstimator::new().default_model(config.models.default_model.as_deref());
    BudgetLayer::new(ledger, ByClient).estimator(estimator).pricing(prices(config))
}

/// The prices; an alias has the price of its target.
fn prices(config: &Config) -> PriceList {
    let models = &config.models;
    let priced = |(alias, real): (&String, &String)| {
        let price: &Price = models.prices.get(real)?;
        Some((alias.clone(), *price))
    };
    let general = models.model_aliases.iter();
    let own = models.providers.values().flat_map(|provider| provider.aliases.iter());
    let aliases = general.chain(own).filter_map(priced);
    // A price of its own comes last and stays.
    let given = models.prices.iter().map(|(model, price)| (model.clone(), *price));
    let prices: PriceList = aliases.chain(given).collect();
    match models.prices.get(Config::OTHERS) {
        Some(price) => prices.others(*price),
        None => prices,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    fn config(models: &str) -> Config {
        let config = Config::from_yaml("test.yaml", &format!("models: {models}"), &Env::empty());
        config.unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn an_alias_costs_what_it_stands_for_unless_it_has_a_price() {
        let prices = prices(&config(
            "{prices: {real: {input_per_mtok: 1, output_per_mtok: 1}, b: {input_per_mtok: 2, output_per_mtok: 2}}, \
             model_aliases: {a: real, b: real, c: free}, \
             providers: {p: {base_url: http://p, api_key: k, aliases: {d: real}}}}",
        ));
        let input = |model| prices.get(model).map(|price| price.input);
        let dollar = 1_000_000_000;
        assert_eq!(
            ["real", "a", "b", "c", "d"].map(input),
            [Some(dollar), Some(dollar), Some(2 * dollar), None, Some(dollar)]
        );
    }
}
