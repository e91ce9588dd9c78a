use std::sync::Arc;

use http::Extensions;

/// Whose request it is: an extension of the request, set by the layer that has checked who the
/// client is. What one owner stored, no other finds. Without it the owner is `local`.
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

/// The response that a request continues: an extension of the request whose
/// `previous_response_id` the state layer has replaced by what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PreviousResponse(pub Arc<str>);
