//! What the router itself writes into an event stream.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{Dialect, exchange::Facts, rejection::envelope};

/// A comment, which every reader skips.
pub(super) const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// The typed error that ends a stream which has begun, in the client's dialect.
pub(super) fn error(
    dialect: Dialect,
    code: &str,
    message: &str,
    kind: &str,
    model: &str,
    facts: &Facts,
) -> Bytes {
    match dialect {
        Dialect::Chat => {
            let json = envelope(code, message, kind, None);
            [b"data: ", &*json, b"\n\n"].concat().into()
        }
        Dialect::Responses => {
            let data = failed(code, message, model, facts);
            format!("event: response.failed\ndata: {data}\n\ndata: [DONE]\n\n").into()
        }
    }
}

/// `response.failed` of the Responses API: the id that the client has seen, and the next
/// sequence number.
fn failed(code: &str, message: &str, model: &str, facts: &Facts) -> Value {
    let (id, sequence) = match &facts.response {
        Some((id, sequence)) => (&**id, sequence.saturating_add(1)),
        None => ("resp_failed", 0),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    json!({
        "type": "response.failed",
        "sequence_number": sequence,
        "response": {
            "id": id,
            "object": "response",
            "created_at": now,
            "status": "failed",
            "completed_at": null,
            "error": {"code": code, "message": message},
            "incomplete_details": null,
            "model": model,
            "output": [],
            "usage": null,
            // Every field of the resource has to be there; what the request said is not known.
            "background": false,
            "frequency_penalty": 0,
            "instructions": null,
            "max_output_tokens": null,
            "max_tool_calls": null,
            "metadata": {},
            "parallel_tool_calls": true,
            "presence_penalty": 0,
            "previous_response_id": null,
            "prompt_cache_key": null,
            "reasoning": null,
            "safety_identifier": null,
            "service_tier": "default",
            "store": false,
            "temperature": 1,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_logprobs": 0,
            "top_p": 1,
            "truncation": "disabled",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chat_gets_the_envelope() {
        let event = error(Dialect::Chat, "C", "a\nb", "t", "m", &Facts::default());
        assert_eq!(
            event,
            "data: {\"error\":{\"code\":\"C\",\"message\":\"a\\nb\",\"type\":\"t\",\"param\":null}}\n\n"
        );
    }

    #[test]
    fn responses_gets_a_terminal_event_that_goes_on_where_the_stream_stood() {
        let facts = Facts { response: Some(("resp_1".into(), 4)), ..Facts::default() };
        let event = error(Dialect::Responses, "C", "m", "t", "model", &facts);
        let text = std::str::from_utf8(&event).unwrap();
        let data = text.strip_prefix("event: response.failed\ndata: ").unwrap();
        let data = data.strip_suffix("\n\ndata: [DONE]\n\n").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["sequence_number"], 5);
        assert_eq!(data["response"]["id"], "resp_1");
        assert_eq!(data["response"]["status"], "failed");
        assert_eq!(data["response"]["error"]["code"], "C");
    }
}
