//! `models.retry` to the retry layer.

use std::{collections::HashMap, sync::Arc, time::Duration};

use switchtower_layers::{
    Target,
    retry::{self, Budget, RetryLayer},
};

use crate::config::{Config, Retry};

/// Retries, by the target's provider. `budget` returns each provider's own retry budget, which
/// outlives the layer; `None` is for providers that are not configured.
pub(crate) fn layer(
    config: &Config,
    budget: impl Fn(Option<&str>) -> Option<Budget>,
) -> RetryLayer {
    let settings = |name, retry| Arc::new(settings(retry, budget(name)));
    let general = settings(None, &config.models.retry);
    let own: HashMap<String, Arc<retry::Settings>> = config
        .models
        .providers
        .iter()
        .map(|(name, provider)| (name.clone(), settings(Some(name.as_str()), &provider.retry)))
        .collect();
    RetryLayer::new(general.clone())
        .for_target(move |target: &Target| own.get(&*target.provider).unwrap_or(&general).clone())
}

fn settings(retry: &Retry, budget: Option<Budget>) -> retry::Settings {
    let Retry {
        max_retries,
        before_failover,
        base_delay_ms,
        max_delay_ms,
        retryable_statuses,
        budget: _,
    } = retry;
    retry::Settings {
        max_retries: *max_retries,
        before_failover: *before_failover,
        base_delay: Duration::from_millis(*base_delay_ms),
        max_delay: Duration::from_millis(*max_delay_ms),
        statuses: retryable_statuses.as_slice().into(),
        budget,
    }
}
