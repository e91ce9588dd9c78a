//! From the configuration to the retries and circuit breakers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use switchtower_layers::Target;
use switchtower_layers::circuit_breaker::{self, CircuitBreakerLayer, Handle};
use switchtower_layers::retry::{self, Budget, RetryLayer};

use super::{CircuitBreaker, Config, Retry};

impl Config {
    /// When an attempt is made again, by its target's provider. `budget` gives each one its own,
    /// which outlives the layer; `None` is for those that are not configured.
    #[must_use]
    pub fn retries(&self, budget: impl Fn(Option<&str>) -> Option<Budget>) -> RetryLayer {
        let settings = |name, retry| Arc::new(retries(retry, budget(name)));
        let general = settings(None, &self.models.retry);
        let own: HashMap<String, Arc<retry::Settings>> = self
            .models
            .providers
            .iter()
            .map(|(name, provider)| (name.clone(), settings(Some(name.as_str()), &provider.retry)))
            .collect();
        RetryLayer::new(general.clone()).for_target(move |target: &Target| {
            own.get(&*target.provider).unwrap_or(&general).clone()
        })
    }

    /// When a target is left alone, by its provider. `circuits` outlive the layer.
    #[must_use]
    pub fn circuit_breaker(&self, circuits: Handle) -> CircuitBreakerLayer {
        let general = circuit(self.models.circuit_breaker);
        let own: HashMap<String, circuit_breaker::Settings> = self
            .models
            .providers
            .iter()
            .map(|(name, provider)| (name.clone(), circuit(provider.circuit_breaker)))
            .collect();
        CircuitBreakerLayer::new(general)
            .scope(self.models.circuit_scope)
            .for_target(move |target: &Target| *own.get(&*target.provider).unwrap_or(&general))
            .handle(circuits)
    }
}

fn retries(retry: &Retry, budget: Option<Budget>) -> retry::Settings {
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

/// The layer takes zero for "off", too.
fn circuit(breaker: CircuitBreaker) -> circuit_breaker::Settings {
    let CircuitBreaker { failure_threshold, reset_timeout_ms, half_open_max_requests } = breaker;
    circuit_breaker::Settings::default()
        .consecutive_faults(failure_threshold)
        .open_for(Duration::from_millis(reset_timeout_ms))
        .probes(half_open_max_requests.get())
}
