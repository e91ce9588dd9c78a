use std::sync::Arc;

use http::Extensions;
use switchtower_layers::{
    rate_limit::ClientKey,
    responses::Owner,
    route::{ModelAllowlist, Pattern},
};

use crate::config::{AuthKey, Scope};

/// An authenticated client, by its key.
#[derive(Clone, Debug)]
pub struct Client {
    key: ClientKey,
    scopes: Vec<Scope>,
    /// `None` for all models.
    models: Option<ModelAllowlist>,
}

impl Client {
    pub(super) fn new(name: &str, key: &AuthKey) -> Self {
        let allowed =
            |patterns: &Vec<String>| patterns.iter().map(|text| Pattern::from(&**text)).collect();
        Self {
            key: ClientKey(name.into()),
            scopes: key.scopes.clone(),
            models: key.models.as_ref().map(allowed),
        }
    }

    /// The name of its key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.key.0
    }

    /// Whether its key opens this part of the gateway.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Inserts the client's identity into the request, for inner layers.
    pub(super) fn insert_extensions(self: &Arc<Self>, extensions: &mut Extensions) {
        extensions.insert(self.key.clone());
        extensions.insert(Owner(self.key.0.clone()));
        if let Some(models) = &self.models {
            extensions.insert(models.clone());
        }
        extensions.insert(Identity(Some(self.clone())));
    }
}

/// The client's identity: an extension of the request where there are client keys.
#[derive(Clone, Debug)]
pub struct Identity(Option<Arc<Client>>);

impl Identity {
    /// Somebody without a key, on a path that is open.
    pub(super) const NOBODY: Self = Self(None);

    /// Whether a request with these extensions has this scope; always true where there are no
    /// client keys.
    #[must_use]
    pub fn may(extensions: &Extensions, scope: Scope) -> bool {
        extensions.get().is_none_or(|Self(client)| client.as_ref().is_some_and(|c| c.may(scope)))
    }
}
