//! Budgets and prices.

use insta::assert_snapshot;
use switchtower::config::Config;

use super::{accepted, refused::refused};

/// The prices (prompt, cached, answer; nano-dollars per million) and the budgets.
pub(crate) fn read(config: &Config) -> [Vec<String>; 2] {
    let prices = config.models.prices.iter().map(|(model, price)| {
        format!("{model}: {}, {}, {}", price.input, price.cached_input, price.output)
    });
    let budgets = config.models.budgets.iter().map(|(name, limits)| {
        let limits: Vec<_> = limits.iter().map(|limit| limit.to_string()).collect();
        format!("{name}: {}", limits.join(", "))
    });
    [prices.collect(), budgets.collect()]
}

#[test]
fn every_limit_and_every_price_is_read() {
    let text = "\
models:
  prices:
    a/b: {input_per_mtok: 0, output_per_mtok: 0.000000001}
    c: {input_per_mtok: 3, cached_input_per_mtok: 0.3, output_per_mtok: 15}
    default: {input_per_mtok: 1, output_per_mtok: 2}
  budgets:
    default: {requests_per_day: 1, requests_per_month: 2, tokens_per_day: 3, tokens_per_month: 4, usd_per_day: 0.1, usd_per_month: 6}
    alice: {usd_per_day: 1e-9}
";
    let config = accepted(text);
    let [prices, budgets] = read(&config);
    assert_eq!(
        prices,
        [
            "a/b: 0, 0, 1",
            "c: 3000000000, 300000000, 15000000000",
            "default: 1000000000, 1000000000, 2000000000",
        ]
    );
    assert_eq!(
        budgets,
        [
            "default: 1 request per day, 3 tokens per day, 0.1 USD per day, \
             2 requests per month, 4 tokens per month, 6 USD per month",
            "alice: 0.000000001 USD per day",
        ]
    );
    assert_eq!(
        config.warnings,
        ["the budget of `alice` never applies: there is no client key of that name"]
    );
}

#[test]
fn dollars_without_prices_are_odd() {
    assert_eq!(
        accepted("models: {budgets: {default: {usd_per_day: 1}}}").warnings,
        ["the dollars of the budget of `default` are never used up: no model has a price"]
    );
    let some = |prices: &str| {
        let text =
            format!("models: {{prices: {prices}, budgets: {{default: {{usd_per_day: 1}}}}}}");
        accepted(&text).warnings
    };
    let price = "{input_per_mtok: 1, output_per_mtok: 1}";
    assert_eq!(
        some(&format!("{{m: {price}}}")),
        [
            "the dollars of the budget of `default` count only models that have a price: `default` in \
          `prices` is for all others"
        ]
    );
    assert_eq!(some(&format!("{{m: {price}, default: {price}}}")), [""; 0]);
}

#[test]
fn wrong_budgets() {
    let text = "models:\n  budgets:\n    default: {tokens_per_day: 0, usd_per_day: 0, usd_per_month: -1}\n    a:\n    b: {usd_per_day: .nan}\n    127.0.0.1: {usd_per_day: 2e9}\n    a: {requests_per_day: 1}";
    assert_snapshot!(refused(text), @r"
    gateway.yaml:3:31: `tokens_per_day` has to be at least 1
      3 |     default: {tokens_per_day: 0, usd_per_day: 0, usd_per_month: -1}
        |                               ^

    gateway.yaml:3:47: `usd_per_day` has to be more than 0 and at most 1000000000
      3 |     default: {tokens_per_day: 0, usd_per_day: 0, usd_per_month: -1}
        |                                               ^

    gateway.yaml:3:65: `usd_per_month` has to be more than 0 and at most 1000000000
      3 |     default: {tokens_per_day: 0, usd_per_day: 0, usd_per_month: -1}
        |                                                                 ^^

    gateway.yaml:4:5: the budget of `a` has no limit
      4 |     a:
        |     ^
      help: add, for example, `tokens_per_day: 5000000`

    gateway.yaml:5:22: `usd_per_day` has to be more than 0 and at most 1000000000
      5 |     b: {usd_per_day: .nan}
        |                      ^^^^

    gateway.yaml:6:5: `127.0.0.1` is an address, not a client
      6 |     127.0.0.1: {usd_per_day: 2e9}
        |     ^^^^^^^^^
      help: `default` is the budget of each address

    gateway.yaml:6:30: `usd_per_day` has to be more than 0 and at most 1000000000
      6 |     127.0.0.1: {usd_per_day: 2e9}
        |                              ^^^

    gateway.yaml:7:5: the budget `a` is given twice
      7 |     a: {requests_per_day: 1}
        |     ^
      help: the first is on line 4
    ");
    assert_snapshot!(refused("models: {budgets: {default: {tokens: 3}}}"), @r"
    gateway.yaml:1:30: unknown setting `tokens`
      1 | models: {budgets: {default: {tokens: 3}}}
        |                              ^^^^^^
      help: did you mean `tokens_per_day`?
    ");
    assert_snapshot!(refused("models: {budgets: {default: {tokens_per_day: 5M}}}"), @r"
    gateway.yaml:1:46: expected a whole number, 0 or more
      1 | models: {budgets: {default: {tokens_per_day: 5M}}}
        |                                              ^^
    ");
}

#[test]
fn wrong_prices() {
    let text = "models:\n  prices:\n    a: {input_per_mtok: -1, output_per_mtok: .inf}\n    b: {cached_input_per_mtok: 1}\n    b: {input_per_mtok: 1, output_per_mtok: 1}";
    assert_snapshot!(refused(text), @r"
    gateway.yaml:3:25: `input_per_mtok` is dollars per million tokens, from 0 to 1000000
      3 |     a: {input_per_mtok: -1, output_per_mtok: .inf}
        |                         ^^

    gateway.yaml:3:46: `output_per_mtok` is dollars per million tokens, from 0 to 1000000
      3 |     a: {input_per_mtok: -1, output_per_mtok: .inf}
        |                                              ^^^^

    gateway.yaml:4:5: the price of `b` has no input_per_mtok
      4 |     b: {cached_input_per_mtok: 1}
        |     ^
      help: add, for example, `input_per_mtok: 0.27` (dollars per million tokens)

    gateway.yaml:4:5: the price of `b` has no output_per_mtok
      4 |     b: {cached_input_per_mtok: 1}
        |     ^
      help: add, for example, `output_per_mtok: 0.27` (dollars per million tokens)

    gateway.yaml:5:5: the model `b` is given twice
      5 |     b: {input_per_mtok: 1, output_per_mtok: 1}
        |     ^
      help: the first is on line 4
    ");
    assert_snapshot!(refused("models: {prices: {a: 3}}"), @r"
    gateway.yaml:1:22: expected `name: value` pairs
      1 | models: {prices: {a: 3}}
        |                      ^
    ");
}
