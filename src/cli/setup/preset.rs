//! The providers that are known well enough to set them up, and the agents.

use clap::ValueEnum;

use crate::cli::args::Preset;

/// The agents that exist without being listed, with their programs.
pub(super) const AGENTS: [(&str, &str); 5] = [
    ("claude-code", "claude"),
    ("codex", "codex"),
    ("gemini", "gemini"),
    ("openclaw", "openclaw"),
    ("aider", "aider"),
];

impl Preset {
    pub(super) const ALL: [Self; 4] =
        [Self::Deepseek, Self::Openai, Self::Openrouter, Self::Ollama];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::from_str(name, true).ok()
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Deepseek => "deepseek",
            Self::Openai => "openai",
            Self::Openrouter => "openrouter",
            Self::Ollama => "ollama",
        }
    }

    pub(super) fn base_url(self) -> &'static str {
        match self {
            Self::Deepseek => "https://api.deepseek.com/v1",
            Self::Openai => "https://api.openai.com/v1",
            Self::Openrouter => "https://openrouter.ai/api/v1",
            Self::Ollama => "http://127.0.0.1:11434/v1",
        }
    }

    /// Where its key usually is; none if it takes any.
    pub(super) fn variable(self) -> Option<&'static str> {
        match self {
            Self::Deepseek => Some("DEEPSEEK_API_KEY"),
            Self::Openai => Some("OPENAI_API_KEY"),
            Self::Openrouter => Some("OPENROUTER_API_KEY"),
            Self::Ollama => None,
        }
    }

    /// What a client may call its models; the first is suggested.
    pub(super) fn models(self) -> &'static [&'static str] {
        match self {
            Self::Deepseek => &["deepseek-chat", "deepseek-reasoner"],
            Self::Openai => &["gpt-5.1", "o4-mini"],
            Self::Openrouter => &["deepseek-chat"],
            // Those that were pulled.
            Self::Ollama => &[],
        }
    }

    /// The path that only answers to a good key: everybody may list OpenRouter's models.
    pub(super) fn proof(self) -> &'static str {
        match self {
            Self::Openrouter => "/key",
            _ => "/models",
        }
    }
}
