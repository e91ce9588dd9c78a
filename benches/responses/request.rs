//! Requests, from Responses to Chat Completions.

use std::hint::black_box;

use serde_json::{Value, json};
use switchtower_layers::responses::{Options, translate_request};

use crate::contest::{Contests, work};

/// A request as a coding agent sends it: instructions, some tools, and rounds of calls with their
/// outputs until it has this many bytes.
fn agent_request(bytes: usize) -> Vec<u8> {
    // What a tool's output is most of the time: a source file.
    let text: String = include_str!("naive.rs").chars().take(bytes / 40).collect();
    let mut request = json!({
        "model": "gpt-5.5", "instructions": "You are a coding agent.\nBe brief.", "stream": true,
        "store": false, "include": ["reasoning.encrypted_content"], "parallel_tool_calls": true,
        "reasoning": {"effort": "medium", "summary": "auto"}, "tool_choice": "auto",
        "tools": [
            {"type": "function", "name": "exec_command", "description": "Runs a command.", "strict": false,
                "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]}},
            {"type": "web_search"},
        ],
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go on."}]}],
    });
    let mut length = request.to_string().len();
    for round in 0.. {
        let id = format!("call_{round}");
        let items = json!([
            {"type": "function_call", "name": "exec_command", "call_id": id, "arguments": "{\"cmd\":\"cat src/main.rs\"}"},
            {"type": "function_call_output", "call_id": id, "output": text},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]},
        ]);
        length += items.to_string().len();
        if length > bytes {
            break;
        }
        if let (Some(input), Value::Array(items)) = (request["input"].as_array_mut(), items) {
            input.extend(items);
        }
    }
    request.to_string().into_bytes()
}

/// The same mapping for such requests over `serde_json::Value`, moving what it can.
fn naive_request(body: &[u8]) -> Vec<u8> {
    fn text(content: &mut Value) -> String {
        match content.take() {
            Value::String(text) => text,
            Value::Array(parts) => {
                let texts = parts.iter().filter_map(|part| part["text"].as_str());
                texts.collect::<Vec<_>>().join("\n")
            }
            _ => String::new(),
        }
    }
    fn message(mut item: Value) -> Value {
        match item["type"].as_str().unwrap_or("message") {
            "function_call" => json!({"role": "assistant", "content": null, "tool_calls": [{
                "id": item["call_id"].take(), "type": "function",
                "function": {"name": item["name"].take(), "arguments": item["arguments"].take()},
            }]}),
            "function_call_output" => json!({
                "role": "tool", "tool_call_id": item["call_id"].take(), "content": text(&mut item["output"]),
            }),
            _ => json!({"role": item["role"].take(), "content": text(&mut item["content"])}),
        }
    }
    let mut request: Value = serde_json::from_slice(body).expect("a request");
    let mut messages = vec![json!({"role": "system", "content": request["instructions"].take()})];
    if let Value::Array(items) = request["input"].take() {
        messages.extend(items.into_iter().map(message));
    }
    let mut tools = Vec::new();
    if let Value::Array(given) = request["tools"].take() {
        for mut tool in given.into_iter().filter(|tool| tool["type"] == "function") {
            tools.push(json!({"type": "function", "function": {
                "name": tool["name"].take(), "description": tool["description"].take(),
                "parameters": tool["parameters"].take(), "strict": tool["strict"].take(),
            }}));
        }
    }
    let chat = json!({
        "model": request["model"].take(), "messages": messages, "tools": tools,
        "stream": true, "stream_options": {"include_usage": true},
        "tool_choice": request["tool_choice"].take(),
        "parallel_tool_calls": request["parallel_tool_calls"].take(),
        "reasoning_effort": request["reasoning"]["effort"].take(),
    });
    serde_json::to_vec(&chat).expect("a chat request")
}

pub(crate) fn hold(contests: &mut Contests) {
    for (size, bytes) in [("1 KB", 1_000), ("100 KB", 100_000), ("5 MB", 5_000_000)] {
        contests.hold(&format!("request, {size}"), |contest| {
            let body = agent_request(bytes);
            let options = Options::default();
            let ours = move |body: &[u8]| {
                translate_request(body, &options, &|_| None).expect("a request").body
            };
            let of = |body: &[u8]| serde_json::from_slice::<Value>(body).expect("JSON");
            assert!(of(&ours(&body)) == of(&naive_request(&body)), "both do the same");

            contest.bytes(body.len());
            let input = body.clone();
            contest.add("ours", work(move || ours(black_box(&input))));
            contest.add("naive", work(move || naive_request(black_box(&body))));
        });
    }
}
