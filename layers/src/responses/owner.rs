use std::sync::Arc;

use http::Extensions;

/// The owner of a request: an extension of the request, set by the layer that authenticated the
/// client. Stored responses are visible to their owner only. Without it the owner is `local`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner(pub Arc<str>);

impl Owner {
    /// The owner of a request with these extensions.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }
}

impl Default for Owner {
    fn default() -> Self {
        Self("local".into())
    }
}

/// The response that a request continues: an extension of the request whose `previous_response_id`
/// the store layer has replaced by the stored items.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PreviousResponse(pub Arc<str>);
