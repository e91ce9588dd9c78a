//! `providers.X.errors` and `malformed` to the observer.

use std::collections::{HashMap, HashSet};

use switchtower_layers::{
    Target,
    classify::ErrorRules,
    observe::{Malformed, ObserveLayer},
};

use crate::config::Config;

/// The observer. Errors are classified by the rules of their target's provider, and then by the
/// built-in ones.
pub(crate) fn layer(config: &Config) -> ObserveLayer {
    let mut layer = ObserveLayer::new();
    let providers = config.models.providers.iter();
    let own = providers.filter(|(_, provider)| !provider.errors.is_empty());
    let own: HashMap<String, ErrorRules> =
        own.map(|(name, provider)| (name.clone(), provider.errors.clone())).collect();
    if !own.is_empty() {
        layer = layer.error_rules_for_target(move |target: &Target| {
            own.get(&*target.provider).cloned().unwrap_or_default()
        });
    }
    let providers = config.models.providers.iter();
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
