//! `models.timeouts` to the deadline layers.

use std::{collections::HashMap, time::Duration};

use switchtower_layers::{
    Target,
    deadlines::{DeadlinesLayer, RequestDeadlineLayer, Settings},
};

use crate::config::{Config, Timeouts};

/// The deadlines of each attempt, by its target's provider.
pub(crate) fn layer(config: &Config) -> DeadlinesLayer {
    let general = settings(config.models.timeouts);
    let own: HashMap<String, Settings> = config
        .models
        .providers
        .iter()
        .map(|(name, provider)| (name.clone(), settings(provider.timeouts)))
        .collect();
    DeadlinesLayer::new(general)
        .for_target(move |target: &Target| *own.get(&*target.provider).unwrap_or(&general))
}

/// The deadline of a request as a whole.
pub(crate) fn total(config: &Config) -> RequestDeadlineLayer {
    RequestDeadlineLayer::new(Duration::from_millis(config.models.total_ms))
}

/// Zero means off, in the file and in the layer.
fn settings(timeouts: Timeouts) -> Settings {
    let Timeouts { connect_ms: _, headers_ms, first_token_ms, idle_ms } = timeouts;
    let limit = |ms| Some(Duration::from_millis(ms));
    Settings {
        headers: limit(headers_ms),
        first_token: limit(first_token_ms),
        idle: limit(idle_ms),
    }
}
