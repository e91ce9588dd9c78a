//! Settings of the Responses API to its translator.

use std::{collections::HashMap, sync::Arc};

use switchtower_layers::{
    Target,
    responses::{Options, ResponsesLayer, Seal},
};

use crate::config::Config;

/// Answers Responses requests from providers that speak Chat Completions only. `seal` outlives the
/// layer.
pub(crate) fn layer(config: &Config, seal: Arc<dyn Seal>) -> ResponsesLayer {
    let own: HashMap<String, Options> = config
        .models
        .providers
        .iter()
        .map(|(name, provider)| (name.clone(), provider.translation))
        .collect();
    ResponsesLayer::new()
        .for_target(move |target: &Target| own.get(&*target.provider).copied().unwrap_or_default())
        .cap(config.body_limit())
        .seal(seal)
}
