//! Answers as providers give them: whole ones, and streams.

use serde_json::{Value, json};

/// A stream, in the order of a provider that sends many short chunks.
pub(crate) struct ChatStream {
    pub(crate) chunks: Vec<String>,
    /// What the pieces in it make together.
    pub(crate) text: String,
}

fn chunk(delta: &Value, finish: &Value) -> Value {
    json!({"id": "chatcmpl-9f1c", "object": "chat.completion.chunk", "created": 1_790_000_000,
        "model": "deepseek-chat", "system_fingerprint": "fp_1c141eb703",
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]})
}

fn stream(deltas: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut chunks = vec![chunk(&json!({"role": "assistant", "content": ""}), &Value::Null)];
    chunks.extend(deltas.map(|delta| chunk(&delta, &Value::Null)));
    chunks.push(chunk(&json!({}), &json!("stop")));
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 500, "total_tokens": 600});
    chunks.push(json!({"choices": [], "usage": usage}));
    chunks
}

const WORDS: [&str; 5] = [" the", " quick", " \"brown\"", " fox\n", " jumps"];
const ARGUMENTS: [&str; 5] = ["{\"cmd\":\"ls", " -l", " \\\"a b\\\"", " | grep", " x\"}"];

fn text_chunks(words: usize) -> Vec<Value> {
    stream(WORDS.iter().cycle().take(words).map(|word| json!({"content": word})))
}

fn of(chunks: &[Value], pieces: &[&str], times: usize) -> ChatStream {
    let chunks = chunks.iter().map(Value::to_string).collect();
    ChatStream { chunks, text: pieces.iter().copied().cycle().take(times).collect() }
}

pub(crate) fn text_stream(words: usize) -> ChatStream {
    of(&text_chunks(words), &WORDS, words)
}

/// With padding of another length in each chunk, as OpenAI sends it, so that none is like another.
pub(crate) fn padded_stream(words: usize) -> ChatStream {
    let mut chunks = text_chunks(words);
    for (at, chunk) in chunks.iter_mut().enumerate() {
        chunk["obfuscation"] = "x".repeat(at * 7 % 13).into();
    }
    of(&chunks, &WORDS, words)
}

pub(crate) fn call_stream(pieces: usize) -> ChatStream {
    let arguments = |id: Value, name: Value, arguments: &str| {
        json!({"tool_calls": [{"index": 0, "id": id, "type": "function",
            "function": {"name": name, "arguments": arguments}}]})
    };
    let begin = arguments(json!("call_1"), json!("shell"), "");
    let rest = ARGUMENTS.iter().cycle().take(pieces);
    let rest = rest.map(|piece| arguments(Value::Null, Value::Null, piece));
    of(&stream(std::iter::once(begin).chain(rest)), &ARGUMENTS, pieces)
}

pub(crate) fn completion() -> String {
    let text = "Some text, with \"quotes\"\nand lines, as models write it. ".repeat(200);
    let call = |id: &str| {
        let arguments = json!({"cmd": "cat src/main.rs", "why": text}).to_string();
        json!({"id": id, "type": "function", "function": {"name": "shell", "arguments": arguments}})
    };
    let message = json!({"role": "assistant", "reasoning_content": text, "content": text,
        "tool_calls": [call("call_1"), call("call_2")]});
    json!({"id": "chatcmpl-9f1c", "object": "chat.completion", "model": "deepseek-chat",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 500, "total_tokens": 600}})
    .to_string()
}
