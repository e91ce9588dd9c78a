//! From the configuration to how answers are read: what errors mean, and what is done about
//! malformed events.

use std::collections::{HashMap, HashSet};

use switchtower_layers::{
    Target,
    classify::ErrorRules,
    observe::{Malformed, ObserveLayer},
};

use super::Config;

impl Config {
    /// Reads the answers; what an error means is looked up in the rules of its target's provider,
    /// and then in the built-in ones.
    #[must_use]
    pub fn observer(&self) -> ObserveLayer {
        let mut layer = ObserveLayer::new();
        let providers = self.models.providers.iter();
        let own = providers.filter(|(_, provider)| !provider.errors.is_empty());
        let own: HashMap<String, ErrorRules> =
            own.map(|(name, provider)| (name.clone(), provider.errors.clone())).collect();
        if !own.is_empty() {
            layer = layer.error_rules_for_target(move |target: &Target| {
                own.get(&*target.provider).cloned().unwrap_or_default()
            });
        }
        let providers = self.models.providers.iter();
        let skip = providers.filter(|(_, provider)| provider.malformed == Malformed::Skip);
        let skip: HashSet<String> = skip.map(|(name, _)| name.clone()).collect();
        if !skip.is_empty() {
            layer = layer.malformed_for_target(move |target: &Target| {
                match skip.contains(&*target.provider) {
                    true => Malformed::Skip,
                    false => Malformed::Fail,
                }
            });
        }
        layer
    }
}
