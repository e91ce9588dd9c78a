use switchtower_layers::rate_limit::{ClientKey, Limit, Limiter, RateLimitLayer};

use crate::{
    budget::{ByClient, Client},
    config::{Config, RateLimit},
};

/// How many requests each client may make, by its key or else its address: those of its key's own
/// limit, if it has one, or else those by path.
#[must_use]
pub fn rate_limit(config: &Config) -> RateLimitLayer<Client, ByClient> {
    let limit =
        |RateLimit { rpm, burst }: &RateLimit| Limit::per_minute(rpm.get()).burst(burst.get());
    let by_path = config.models.rate_limit.iter().map(|(path, rate)| (path, limit(rate)));
    let own = config.auth.keys.iter().filter_map(|(name, key)| {
        let client = Client::Key(ClientKey(name.as_str().into()));
        Some((client, limit(key.rate_limit.as_ref()?)))
    });
    RateLimitLayer::new(Limiter::by_path_or_key(by_path, own), ByClient)
}
