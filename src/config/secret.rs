//! Keys, kept out of logs.

use std::fmt;

/// A provider's key. It prints as `***`; only [`Secret::expose`] gives the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself, for the `Authorization` header and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Whether a provider has a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A key that fits into a header: visible ASCII and spaces, never empty.
    Present(Secret),
    /// No key: the provider is skipped.
    Missing {
        /// The variable that would supply it, when the file names one.
        env: Option<String>,
    },
}
