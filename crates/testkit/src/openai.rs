//! The JSON shapes of OpenAI's Chat Completions.

use serde_json::{Value, json};

/// Fields that every part of one answer repeats.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Id of the completion.
    pub id: String,
    /// Seconds since the Unix epoch.
    pub created: u64,
    /// Name of the model.
    pub model: String,
}

/// A whole answer.
pub fn completion(stamp: &Stamp, message: &Value, finish: &str, usage: &Value) -> Value {
    json!({
        "id": stamp.id,
        "object": "chat.completion",
        "created": stamp.created,
        "model": stamp.model,
        "choices": [
            {"index": 0, "message": message, "logprobs": null, "finish_reason": finish}
        ],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
    })
}

/// A chunk of a streamed answer.
pub fn chunk(stamp: &Stamp, delta: &Value, finish: Option<&str>) -> Value {
    let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
    envelope(stamp, &json!([choice]))
}

/// The last chunk of a stream whose client asked for usage.
pub fn usage_chunk(stamp: &Stamp, usage: &Value) -> Value {
    let mut chunk = envelope(stamp, &json!([]));
    chunk["usage"] = usage.clone();
    chunk
}

fn envelope(stamp: &Stamp, choices: &Value) -> Value {
    json!({
        "id": stamp.id,
        "object": "chat.completion.chunk",
        "created": stamp.created,
        "model": stamp.model,
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
        "choices": choices,
    })
}

/// The tokens of an answer.
pub fn usage(prompt: usize, completion: usize) -> Value {
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

/// An error.
pub fn error(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> Value {
    json!({"error": {"message": message, "type": kind, "param": param, "code": code}})
}

/// The error of a scripted provider, of which only the code matters.
pub fn provider_error(code: &str) -> Value {
    error(&format!("The provider says {code}."), "provider_error", None, Some(code))
}
