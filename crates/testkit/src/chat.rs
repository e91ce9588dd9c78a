//! Replies in the Chat Completions dialect, whole or chunk by chunk.

use serde_json::{Value, json};

use super::{
    openai::{self, Stamp},
    reply::Reply,
};

/// Scripted answers all carry the same id, time and model.
fn stamp() -> Stamp {
    Stamp { id: "chatcmpl-scripted".into(), created: 1_700_000_000, model: "scripted".into() }
}

/// Chat completions.
impl Reply {
    /// A whole chat completion with this text.
    pub fn chat(text: &str) -> Self {
        let message = json!({"role": "assistant", "content": text, "refusal": null});
        Self::json(&openai::completion(&stamp(), &message, "stop", &openai::usage(9, 3)))
    }

    /// A whole streamed chat completion: role, these deltas, finish reason, `[DONE]`.
    pub fn chat_stream(deltas: impl IntoIterator<Item: AsRef<str>>) -> Self {
        deltas
            .into_iter()
            .fold(Self::events().role(), |reply, delta| reply.delta(delta.as_ref()))
            .finish("stop")
            .done()
    }

    /// A chunk with any delta.
    #[allow(clippy::needless_pass_by_value, reason = "callers write `json!` in place")]
    pub fn chunk(self, delta: Value) -> Self {
        self.event(openai::chunk(&stamp(), &delta, None))
    }

    /// The first chunk, which has only the role.
    pub fn role(self) -> Self {
        self.chunk(json!({"role": "assistant", "content": "", "refusal": null}))
    }

    /// A chunk with text.
    pub fn delta(self, text: &str) -> Self {
        self.chunk(json!({"content": text}))
    }

    /// The chunk with the finish reason.
    pub fn finish(self, reason: &str) -> Self {
        self.event(openai::chunk(&stamp(), &json!({}), Some(reason)))
    }

    /// The chunk with the usage, which has no choices.
    pub fn usage(self, prompt: usize, completion: usize) -> Self {
        self.event(openai::usage_chunk(&stamp(), &openai::usage(prompt, completion)))
    }

    /// An error where a chunk should be, in OpenAI's form.
    pub fn error_event(self, code: &str) -> Self {
        self.event(openai::provider_error(code))
    }

    /// `[DONE]`.
    pub fn done(self) -> Self {
        self.event("[DONE]")
    }
}
