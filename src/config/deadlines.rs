//! From the configuration to the deadlines of an attempt.

use std::collections::HashMap;
use std::time::Duration;

use switchtower_layers::Target;
use switchtower_layers::deadlines::{DeadlinesLayer, RequestDeadlineLayer, Settings};

use super::{Config, Timeouts};

impl Config {
    /// The deadlines of each attempt, by its target's provider.
    #[must_use]
    pub fn deadlines(&self) -> DeadlinesLayer {
        let general = settings(self.models.timeouts);
        let own: HashMap<String, Settings> = self
            .models
            .providers
            .iter()
            .map(|(name, provider)| (name.clone(), settings(provider.timeouts)))
            .collect();
        DeadlinesLayer::new(general)
            .for_target(move |target: &Target| *own.get(&*target.provider).unwrap_or(&general))
    }

    /// The deadline of a request as a whole.
    #[must_use]
    pub fn total_deadline(&self) -> RequestDeadlineLayer {
        RequestDeadlineLayer::new(Duration::from_millis(self.models.total_ms))
    }
}

/// The layer takes zero for "off", too.
fn settings(timeouts: Timeouts) -> Settings {
    let Timeouts { connect_ms: _, headers_ms, first_token_ms, idle_ms } = timeouts;
    let limit = |ms| Some(Duration::from_millis(ms));
    Settings {
        headers: limit(headers_ms),
        first_token: limit(first_token_ms),
        idle: limit(idle_ms),
    }
}
