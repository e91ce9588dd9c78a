//! From the configuration to the translator.

use std::{collections::HashMap, sync::Arc};

use switchtower_layers::Target;
use switchtower_layers::responses::{Options, ResponsesLayer, Seal};

use super::Config;

impl Config {
    /// Answers Responses requests from providers that speak Chat Completions only. `seal` outlives
    /// the layer.
    #[must_use]
    pub fn translator(&self, seal: Arc<dyn Seal>) -> ResponsesLayer {
        let own: HashMap<String, Options> = self
            .models
            .providers
            .iter()
            .map(|(name, provider)| (name.clone(), provider.translation))
            .collect();
        ResponsesLayer::new()
            .for_target(move |target: &Target| {
                own.get(&*target.provider).copied().unwrap_or_default()
            })
            .cap(self.body_limit())
            .seal(seal)
    }
}
