//! Targets: the provider and model of an attempt, and its dialect.

use std::{fmt, sync::Arc};

/// A target: one provider plus the model name to send it.
///
/// The router puts it into the extensions of each attempt's request, and of the response.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The provider's name in the configuration.
    pub provider: Arc<str>,
    /// The model's name at that provider.
    pub model: Arc<str>,
    /// The provider's dialect.
    pub dialect: Dialect,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// The API that a provider or client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Chat Completions only.
    #[default]
    Chat,
    /// The Responses API, and Chat Completions too.
    Responses,
}

impl Dialect {
    /// The dialect of a request by its path: `/v1/chat/completions` or `/v1/responses`, below
    /// whatever prefix. `None` for every other path.
    ///
    /// ```
    /// use switchtower_layers::Dialect;
    ///
    /// assert_eq!(Dialect::of_path("/v1/chat/completions"), Some(Dialect::Chat));
    /// assert_eq!(Dialect::of_path("/v1/embeddings"), None);
    /// ```
    pub fn of_path(path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        if path.ends_with("/chat/completions") {
            Some(Self::Chat)
        } else if path.ends_with("/responses") {
            Some(Self::Responses)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_tells_the_dialect() {
        for (path, dialect) in [
            ("/v1/chat/completions", Some(Dialect::Chat)),
            ("/v1/chat/completions/", Some(Dialect::Chat)),
            ("/openai/v1/responses", Some(Dialect::Responses)),
            ("/v1/completions", None),
            ("/v1/responses/resp_1", None),
            ("/", None),
        ] {
            assert_eq!(Dialect::of_path(path), dialect, "{path}");
        }
    }
}
