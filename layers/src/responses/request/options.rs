/// Differences between providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The name of the cap on output tokens. Default `max_tokens`.
    pub max_tokens: MaxTokens,
    /// Whether the provider takes `verbosity`. Default no: it is dropped.
    pub verbosity: bool,
    /// Whether a stream is asked for its usage (`stream_options.include_usage`). Default yes; for
    /// a provider that takes no `stream_options`, no.
    pub include_usage: bool,
    /// The fields that the provider takes as they are, though Chat Completions does not have them
    /// everywhere. Default none.
    pub passes: Passes,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_tokens: MaxTokens::default(),
            verbosity: false,
            include_usage: true,
            passes: Passes::default(),
        }
    }
}

/// Fields of a Responses request that a chat provider takes under the same name.
///
/// ```
/// use switchtower_layers::responses::Passes;
///
/// let passes = Passes::default().and("prompt_cache_key").unwrap();
/// assert!(passes.has("prompt_cache_key") && !passes.has("metadata"));
/// assert_eq!(passes.and("temperature"), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passes(u16);

impl Passes {
    /// The fields that can be passed: all others are always sent, or never.
    pub const FIELDS: [&'static str; 8] = [
        "max_tool_calls",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "truncation",
    ];

    /// Adds a field; `None` when it is none of [`FIELDS`](Self::FIELDS).
    #[must_use]
    pub fn and(self, field: &str) -> Option<Self> {
        let at = Self::FIELDS.iter().position(|known| *known == field)?;
        Some(Self(self.0 | 1 << at))
    }

    /// Whether the field is among them.
    pub fn has(self, field: &str) -> bool {
        self.and(field) == Some(self)
    }
}

/// Name of the cap on output tokens.
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
