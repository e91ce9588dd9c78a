//! What a provider says, plain or streamed as it was asked.

use serde_json::{Value, json};

use crate::support::{Received, Reply};

/// Answers with this assistant message.
pub(crate) fn says(request: &Received, message: Value) -> Reply {
    let calls = message["tool_calls"].is_array();
    says_until(request, message, if calls { "tool_calls" } else { "stop" })
}

/// The same, with this finish reason.
#[allow(clippy::needless_pass_by_value, reason = "callers write `json!` in place")]
pub(crate) fn says_until(request: &Received, message: Value, finish: &str) -> Reply {
    if request.json()["stream"] != true {
        return Reply::json(&json!({
            "id": "chatcmpl-7", "object": "chat.completion", "created": 1, "model": "m-1",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
        }));
    }
    let mut reply = Reply::events().role();
    for field in ["reasoning_content", "content", "refusal"] {
        for half in halves(message[field].as_str().unwrap_or_default()) {
            reply = reply.chunk(json!({field: half}));
        }
    }
    for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
        let function = &call["function"];
        let [first, second] = halves(function["arguments"].as_str().unwrap_or_default());
        let begin = json!({"name": function["name"], "arguments": first});
        reply = reply.chunk(json!({"tool_calls": [
            {"index": index, "id": call["id"], "type": "function", "function": begin},
        ]}));
        reply = reply.chunk(json!({"tool_calls": [
            {"index": index, "function": {"arguments": second}},
        ]}));
    }
    reply.finish(finish).usage(9, 3).done()
}

/// A call as a chat message has it.
#[allow(clippy::needless_pass_by_value, reason = "callers write `json!` in place")]
pub(crate) fn call(id: &str, name: &str, arguments: Value) -> Value {
    json!({
        "id": id, "type": "function",
        "function": {"name": name, "arguments": arguments.to_string()},
    })
}

/// A message of calls alone.
pub(crate) fn calls(calls: &[Value]) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": calls})
}

/// A message of text.
pub(crate) fn answer(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

/// The messages of a chat request.
pub(crate) fn messages(request: &Received) -> Vec<Value> {
    request.json()["messages"].as_array().expect("messages").clone()
}

/// The text of the last message.
pub(crate) fn last(request: &Received) -> String {
    let messages = messages(request);
    messages.last().and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned()
}

fn halves(text: &str) -> [&str; 2] {
    let middle = (text.len() / 2..=text.len()).find(|at| text.is_char_boundary(*at));
    let (first, second) = text.split_at(middle.unwrap_or_default());
    [first, second]
}
