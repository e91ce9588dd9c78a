//! The Responses events that the router writes.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::{Code, exchange::AttemptRecord};

/// `response.failed`, which goes on where the stream stood; a stream that had not begun begins
/// first, as clients build the response from its first event.
pub(super) fn failed(code: &str, message: &str, model: &str, record: &AttemptRecord) -> String {
    let (id, mut sequence, begun) = match &record.response {
        Some((id, last)) => (id.to_string(), last.saturating_add(1), true),
        None => (new_id(), 0, false),
    };
    let mut text = String::new();
    let mut event = |kind: &str, status: &str, error: &Value| {
        let response = response(&id, status, error, model);
        text += &event_text(kind, sequence, &response);
        sequence = sequence.saturating_add(1);
    };
    if !begun {
        event("response.created", "in_progress", &Value::Null);
        event("response.in_progress", "in_progress", &Value::Null);
    }
    event("response.failed", "failed", &json!({"code": word(code), "message": message}));
    text + "data: [DONE]\n\n"
}

pub(super) fn event_text(kind: &str, sequence: u64, response: &Value) -> String {
    let data = json!({"type": kind, "sequence_number": sequence, "response": response});
    format!("event: {kind}\ndata: {data}\n\n")
}

/// The API's word for what happened: clients know no others.
fn word(code: &str) -> &'static str {
    match code {
        code if code == Code::RateLimited.as_str() || code == Code::QuotaExhausted.as_str() => {
            "rate_limit_exceeded"
        }
        code if code == Code::InvalidRequest.as_str() => "invalid_prompt",
        _ => "server_error",
    }
}

pub(super) fn new_id() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("resp_{:016x}{:016x}", random(), random())
}

pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Every field of the resource has to be there; what the request said is not known here.
pub(super) fn response(id: &str, status: &str, error: &Value, model: &str) -> Value {
    json!({
        "id": id,
        "object": "response",
        "created_at": unix_seconds(),
        "completed_at": null,
        "status": status,
        "error": error,
        "incomplete_details": null,
        "model": model,
        "output": [],
        "usage": null,
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
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn read(text: &str) -> Vec<Value> {
        let events = text.split_terminator("\n\n").map(|event| {
            let (name, data) = event.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
            data
        });
        events.collect()
    }

    fn events(record: &AttemptRecord) -> Vec<Value> {
        let text = failed("PROVIDER_ERROR", "m", "model", record);
        read(text.strip_suffix("data: [DONE]\n\n").unwrap())
    }

    #[test]
    fn it_goes_on_where_the_stream_stood() {
        let record =
            AttemptRecord { response: Some(("resp_1".into(), 4)), ..AttemptRecord::default() };
        let events = events(&record);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["sequence_number"], 5);
        assert_eq!(events[0]["response"]["id"], "resp_1");
        assert_eq!(events[0]["response"]["status"], "failed");
        assert_eq!(events[0]["response"]["error"], json!({"code": "server_error", "message": "m"}));
    }

    #[test]
    fn a_stream_that_had_not_begun_begins() {
        let [one, other] = [(); 2].map(|()| events(&AttemptRecord::default()));
        let kinds: Vec<_> = one.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["response.created", "response.in_progress", "response.failed"]);
        let id = &one[0]["response"]["id"];
        for (number, event) in one.iter().enumerate() {
            assert_eq!(event["sequence_number"], number);
            assert_eq!(&event["response"]["id"], id);
        }
        assert!(id.as_str().unwrap().starts_with("resp_"));
        assert_ne!(id, &other[0]["response"]["id"]);
    }
}
