/// What differs between providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The name of the cap on output tokens. Default `max_tokens`.
    pub max_tokens: MaxTokens,
    /// Whether the provider takes `verbosity`. Default no: it is dropped.
    pub verbosity: bool,
    /// Whether a stream is asked for its usage (`stream_options.include_usage`). Default yes; for
    /// a provider that takes no `stream_options`, no.
    pub include_usage: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_tokens: MaxTokens::default(), verbosity: false, include_usage: true }
    }
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

impl MaxTokens {
    /// The field's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }
}
