//! From a Responses request to a Chat Completions request.

use std::fmt;

use bytes::Bytes;

use super::Asked;

/// What differs between providers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The name of the cap on output tokens. Default `max_tokens`.
    pub max_tokens: MaxTokens,
    /// Whether the provider takes `verbosity`. Default no: it is dropped.
    pub verbosity: bool,
}

/// What a provider calls the cap on output tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MaxTokens {
    /// `max_tokens`.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
}

/// The Chat request, and what its answer will need.
#[derive(Debug)]
pub struct Translated {
    /// The body to send to `/chat/completions`.
    pub body: Bytes,
    /// What the answer needs.
    pub asked: Asked,
}

/// Why a request cannot be translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// What is wrong, in a sentence.
    pub message: String,
    /// Which field, as a path: `input[3].role`.
    pub param: Option<String>,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Invalid {}
