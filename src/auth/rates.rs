use switchtower_layers::rate_limit::{ClientKey, Limit};

use crate::{
    budget::Client,
    config::{Config, RateLimit},
};

/// How many requests each client may make, by path.
pub fn limits_by_path(config: &Config) -> impl Iterator<Item = (&str, Limit)> {
    config.models.rate_limit.iter().map(|(path, rate)| (path.as_str(), limit(rate)))
}

/// The limits of keys that have one of their own, instead of those by path.
pub fn limits_by_key(config: &Config) -> impl Iterator<Item = (Client, Limit)> {
    config.auth.keys.iter().filter_map(|(name, key)| {
        let client = Client::Key(ClientKey(name.as_str().into()));
        Some((client, limit(key.rate_limit.as_ref()?)))
    })
}

fn limit(RateLimit { rpm, burst }: &RateLimit) -> Limit {
    Limit::per_minute(rpm.get()).burst(burst.get())
}
