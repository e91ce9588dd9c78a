//! Rate limits, retry budgets, cooldowns and refused fields: state of the data plane that outlives the
//! stack.

use std::collections::HashMap;
use std::time::Duration;

use switchtower_layers::{
    RefusedFields,
    rate_limit::{ClientKey, Limit, Limiter},
    retry::Budget,
    route::Cooldowns,
};

use crate::{
    budget::Client,
    config::{Config, RateLimit},
};

/// What every provider has besides its share, so that retries are there when requests are few.
const BUDGET_FLOOR: u32 = 10;
const BUDGET_WINDOW: Duration = Duration::from_secs(10);

/// Counts and waits. A handle: clones share them.
#[derive(Clone, Debug)]
pub struct Resilience {
    /// Usage of the rate limits by client.
    pub limiter: Limiter<Client>,
    /// Retry budgets.
    pub retries: RetryBudgets,
    /// Targets in cooldown, by their own Retry-After.
    pub cooldowns: Cooldowns,
    /// The fields that are added to requests and that targets refuse.
    pub refused: RefusedFields,
}

impl Resilience {
    /// State without any usage.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            limiter: Limiter::by_path_or_key(limits_by_path(config), limits_by_key(config)),
            retries: RetryBudgets::default().reconfigure(config),
            cooldowns: Cooldowns::default(),
            refused: RefusedFields::default(),
        }
    }

    /// Adopts another configuration. Limits and shares that stay as they are keep their counts;
    /// others begin anew.
    #[must_use]
    pub fn reconfigure(&self, config: &Config) -> Self {
        Self {
            limiter: self.limiter.with_limits(limits_by_path(config), limits_by_key(config)),
            retries: self.retries.reconfigure(config),
            cooldowns: self.cooldowns.clone(),
            refused: self.refused.clone(),
        }
    }
}

/// Retry budgets, one per provider, so that the outage of one leaves the others theirs.
#[derive(Clone, Debug, Default)]
pub struct RetryBudgets {
    /// Retry budgets by provider, with the ratio that they were made for; `None` is for providers
    /// without one of their own.
    budgets: HashMap<Option<String>, (f64, Budget)>,
}

impl RetryBudgets {
    /// Adopts another configuration: a provider whose ratio stays as it is keeps its budget.
    #[must_use]
    pub fn reconfigure(&self, config: &Config) -> Self {
        let models = &config.models;
        let own = models.providers.iter().map(|(name, p)| (Some(name.clone()), p.retry.budget));
        let all = own.chain([(None, models.retry.budget)]);
        let budgets = all.map(|(name, share)| {
            let known = self.budgets.get(&name).filter(|(before, _)| *before == share).cloned();
            let budget =
                known.unwrap_or_else(|| (share, Budget::new(share, BUDGET_FLOOR, BUDGET_WINDOW)));
            (name, budget)
        });
        Self { budgets: budgets.collect() }
    }

    /// The provider's budget; `None` for those that are not configured.
    #[must_use]
    pub fn of(&self, provider: Option<&str>) -> Option<Budget> {
        self.budgets.get(&provider.map(str::to_owned)).map(|(_, budget)| budget.clone())
    }
}

/// Rate limits of each client, by path.
fn limits_by_path(config: &Config) -> impl Iterator<Item = (&str, Limit)> {
    config.models.rate_limit.iter().map(|(path, rate)| (path.as_str(), per_minute(rate)))
}

/// The limits of keys that have one of their own, instead of those by path.
fn limits_by_key(config: &Config) -> impl Iterator<Item = (Client, Limit)> {
    config.auth.keys.iter().filter_map(|(name, key)| {
        let client = Client::Key(ClientKey(name.as_str().into()));
        Some((client, per_minute(key.rate_limit.as_ref()?)))
    })
}

fn per_minute(RateLimit { rpm, burst }: &RateLimit) -> Limit {
    Limit::per_minute(rpm.get()).burst(burst.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    fn config(providers: &str) -> Config {
        let yaml = format!("models: {{providers: {{{providers}}}}}");
        Config::from_yaml("test.yaml", &yaml, &Env::empty()).unwrap_or_else(|e| panic!("{e}"))
    }

    fn left(budgets: &RetryBudgets, provider: &str) -> usize {
        let budget = budgets.of(Some(provider)).unwrap();
        (0..).take_while(|_| budget.withdraw()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_that_stays_keeps_its_budget() {
        let provider = |name, share| {
            format!("{name}: {{base_url: 'http://x', api_key: k, retry: {{budget: {share}}}}}")
        };
        let before = config(&[provider("a", 0.2), provider("b", 0.2)].join(", "));
        let budgets = RetryBudgets::default().reconfigure(&before);
        assert_eq!([left(&budgets, "a"), left(&budgets, "b")], [10, 10]);
        let after = config(&[provider("b", 0.3), provider("a", 0.2)].join(", "));
        let budgets = budgets.reconfigure(&after);
        assert_eq!([left(&budgets, "a"), left(&budgets, "b")], [0, 10]);
        assert!(budgets.of(None).is_some());
        assert!(budgets.of(Some("c")).is_none());
    }
}
