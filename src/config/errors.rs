//! From the configuration to the rules of what errors mean.

use std::collections::HashMap;

use switchtower_layers::{Target, classify::ErrorRules, observe::ObserveLayer};

use super::Config;

impl Config {
    /// Reads the answers; what an error means is looked up in the rules of its target's provider,
    /// and then in the built-in ones.
    #[must_use]
    pub fn observer(&self) -> ObserveLayer {
        let providers = self.models.providers.iter();
        let own = providers.filter(|(_, provider)| !provider.errors.is_empty());
        let own: HashMap<String, ErrorRules> =
            own.map(|(name, provider)| (name.clone(), provider.errors.clone())).collect();
        if own.is_empty() {
            return ObserveLayer::new();
        }
        ObserveLayer::new().error_rules_for_target(move |target: &Target| {
            own.get(&*target.provider).cloned().unwrap_or_default()
        })
    }
}
