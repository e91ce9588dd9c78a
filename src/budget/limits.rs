use std::collections::HashMap;

use switchtower_layers::budget::{ClientKey, Limits};

use super::Client;
use crate::config::Config;

/// A client's own budget, or else the default.
pub(super) fn limits(
    config: &Config,
) -> impl Fn(Option<&Client>) -> Limits + Send + Sync + 'static {
    let own: HashMap<String, Limits> = config.models.budgets.clone().into_iter().collect();
    let default = own.get("default").copied().unwrap_or(Limits::NONE);
    move |client| match client {
        Some(Client::Key(ClientKey(name))) => own.get(&**name).copied().unwrap_or(default),
        _ => default,
    }
}

#[cfg(test)]
mod tests {
    use switchtower_layers::budget::{Limit, Period};

    use super::*;
    use crate::config::Env;

    fn config(models: &str) -> Config {
        let config = Config::from_yaml("test.yaml", &format!("models: {models}"), &Env::empty());
        config.unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_client_has_its_own_budget_or_the_default() {
        let key = |name: &str| Client::Key(ClientKey(name.into()));
        let day = |amount| Limits::from([Limit::tokens(amount, Period::Day)]);
        let both = limits(&config(
            "{budgets: {default: {tokens_per_day: 1}, alice: {tokens_per_day: 2}}}",
        ));
        assert_eq!(both(Some(&key("alice"))), day(2));
        assert_eq!(both(Some(&key("bob"))), day(1));
        assert_eq!(both(Some(&Client::from("127.0.0.1"))), day(1));
        assert_eq!(both(None), day(1));
        let one = limits(&config("{budgets: {alice: {tokens_per_day: 2}}}"));
        assert_eq!(one(Some(&key("alice"))), day(2));
        assert_eq!(one(Some(&key("bob"))), Limits::NONE);
    }
}
