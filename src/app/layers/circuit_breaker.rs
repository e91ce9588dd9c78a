//! `models.circuit_breaker` to the circuit breaker layer.

use std::{collections::HashMap, time::Duration};

use switchtower_layers::{
    Target,
    circuit_breaker::{self, CircuitBreakerLayer, Handle},
};

use crate::config::{CircuitBreaker, Config};

/// Circuit breakers, by the target's provider. `circuits` outlive the layer.
pub(crate) fn layer(config: &Config, circuits: Handle) -> CircuitBreakerLayer {
    let general = settings(config.models.circuit_breaker);
    let own: HashMap<String, circuit_breaker::Settings> = config
        .models
        .providers
        .iter()
        .map(|(name, provider)| (name.clone(), settings(provider.circuit_breaker)))
        .collect();
    CircuitBreakerLayer::new(general)
        .scope(config.models.circuit_scope)
        .for_target(move |target: &Target| *own.get(&*target.provider).unwrap_or(&general))
        .handle(circuits)
}

/// Zero means off, in the file and in the layer.
fn settings(breaker: CircuitBreaker) -> circuit_breaker::Settings {
    let CircuitBreaker { failure_threshold, reset_timeout_ms, half_open_max_requests } = breaker;
    circuit_breaker::Settings::default()
        .consecutive_faults(failure_threshold)
        .open_for(Duration::from_millis(reset_timeout_ms))
        .probes(half_open_max_requests.get())
}
