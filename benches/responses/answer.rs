//! Answers: whole ones, and streams.

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, Throughput};
use serde_json::{Value, json};
use switchtower_layers::responses::{Asked, Ids, Machine, Sealing, whole};

fn sealing() -> Sealing {
    Box::new(str::to_owned)
}

/// The chunks of a stream, in the order of a provider that sends many short ones.
fn chunk(delta: &Value, finish: &Value) -> String {
    json!({"id": "chatcmpl-9f1c", "object": "chat.completion.chunk", "created": 1_790_000_000,
        "model": "deepseek-chat", "system_fingerprint": "fp_1c141eb703",
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]})
    .to_string()
}

fn stream(deltas: impl Iterator<Item = Value>) -> Vec<String> {
    let mut chunks = vec![chunk(&json!({"role": "assistant", "content": ""}), &Value::Null)];
    chunks.extend(deltas.map(|delta| chunk(&delta, &Value::Null)));
    chunks.push(chunk(&json!({}), &json!("stop")));
    chunks.push(
        json!({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 500,
            "total_tokens": 600}})
        .to_string(),
    );
    chunks
}

fn text_stream() -> Vec<String> {
    let words = [" the", " quick", " \"brown\"", " fox\n", " jumps"];
    stream((0..500).map(|at| json!({"content": words[at % words.len()]})))
}

fn call_stream() -> Vec<String> {
    let arguments = |id: Value, name: Value, arguments: &str| {
        json!({"tool_calls": [{"index": 0, "id": id, "type": "function",
            "function": {"name": name, "arguments": arguments}}]})
    };
    let begin = arguments(json!("call_1"), json!("shell"), "");
    let pieces = ["{\"cmd\":\"ls", " -l", " \\\"a b\\\"", " | grep", " x\"}"];
    let pieces = (0..500).map(|at| arguments(Value::Null, Value::Null, pieces[at % pieces.len()]));
    stream(std::iter::once(begin).chain(pieces))
}

fn completion() -> String {
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

fn drive(mut machine: Machine, chunks: &[String], out: &mut Vec<u8>) {
    for chunk in chunks {
        out.clear();
        machine.chunk(chunk.as_bytes(), out).expect("a good chunk");
        black_box(&out);
    }
    out.clear();
    machine.finish(2, out);
    black_box(&out);
}

fn naive_response(status: &str, output: &[Value], usage: &Value) -> Value {
    json!({"id": "resp_1", "object": "response", "created_at": 1, "completed_at": null,
        "status": status, "error": null, "incomplete_details": null, "model": "gpt-5.1",
        "output": output, "usage": usage, "background": false, "frequency_penalty": 0,
        "instructions": null, "max_output_tokens": null, "max_tool_calls": null, "metadata": {},
        "parallel_tool_calls": true, "presence_penalty": 0, "previous_response_id": null,
        "prompt_cache_key": null, "prompt_cache_retention": null, "reasoning": null,
        "safety_identifier": null, "service_tier": "default", "store": true, "temperature": 1,
        "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [],
        "top_logprobs": 0, "top_p": 1, "truncation": "disabled"})
}

fn naive_message(text: &str, status: &str) -> Value {
    json!({"id": "msg_1", "type": "message", "status": status, "role": "assistant",
        "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": text}]})
}

fn naive_call(call: &Value, arguments: &str, status: &str) -> Value {
    json!({"id": "fc_1", "type": "function_call", "status": status, "call_id": call["id"],
        "name": call["function"]["name"], "arguments": arguments})
}

fn naive_usage(usage: &Value) -> Value {
    json!({"input_tokens": usage["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": usage["total_tokens"]})
}

fn naive_whole(body: &[u8]) -> Vec<u8> {
    let answer: Value = serde_json::from_slice(body).expect("JSON");
    let message = &answer["choices"][0]["message"];
    let mut output = Vec::new();
    if let Some(text) = message["reasoning_content"].as_str() {
        output.push(json!({"id": "rs_1", "type": "reasoning", "status": "completed",
            "summary": [{"type": "summary_text", "text": text}]}));
    }
    if let Some(text) = message["content"].as_str() {
        output.push(naive_message(text, "completed"));
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        output.push(naive_call(call, arguments, "completed"));
    }
    let response = naive_response("completed", &output, &naive_usage(&answer["usage"]));
    serde_json::to_vec(&response).expect("JSON")
}

/// Knows one message or one call, and nothing of what goes wrong.
#[derive(Default)]
struct NaiveMachine {
    sequence: u64,
    text: String,
    call: Option<Value>,
    usage: Value,
}

impl NaiveMachine {
    fn event(&mut self, mut event: Value, out: &mut Vec<u8>) {
        event["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        let kind = event["type"].as_str().unwrap_or_default();
        out.extend_from_slice(format!("event: {kind}\ndata: {event}\n\n").as_bytes());
    }

    fn chunk(&mut self, data: &[u8], out: &mut Vec<u8>) {
        let chunk: Value = serde_json::from_slice(data).expect("JSON");
        if self.sequence == 0 {
            for kind in ["response.created", "response.in_progress"] {
                let response = naive_response("in_progress", &[], &Value::Null);
                self.event(json!({"type": kind, "response": response}), out);
            }
        }
        if chunk["usage"].is_object() {
            self.usage = naive_usage(&chunk["usage"]);
        }
        let delta = &chunk["choices"][0]["delta"];
        if let Some(text) = delta["content"].as_str().filter(|text| !text.is_empty()) {
            if self.text.is_empty() {
                let item = json!({"id": "msg_1", "type": "message", "status": "in_progress",
                    "role": "assistant", "content": []});
                let added = json!({"type": "response.output_item.added", "output_index": 0,
                    "item": item});
                self.event(added, out);
                let part = json!({"type": "output_text", "annotations": [], "logprobs": [],
                    "text": ""});
                let added = json!({"type": "response.content_part.added", "item_id": "msg_1",
                    "output_index": 0, "content_index": 0, "part": part});
                self.event(added, out);
            }
            self.text.push_str(text);
            let delta = json!({"type": "response.output_text.delta", "item_id": "msg_1",
                "output_index": 0, "content_index": 0, "delta": text, "logprobs": []});
            self.event(delta, out);
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            if self.call.is_none() {
                self.call = Some(call.clone());
                let item = naive_call(call, "", "in_progress");
                let added = json!({"type": "response.output_item.added", "output_index": 0,
                    "item": item});
                self.event(added, out);
            }
            let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
            if !arguments.is_empty() {
                self.text.push_str(arguments);
                let delta = json!({"type": "response.function_call_arguments.delta",
                    "item_id": "fc_1", "output_index": 0, "delta": arguments});
                self.event(delta, out);
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let item = match &self.call {
            Some(call) => naive_call(call, &self.text, "completed"),
            None => naive_message(&self.text, "completed"),
        };
        let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item});
        self.event(done, out);
        let response = naive_response("completed", &[item], &self.usage);
        self.event(json!({"type": "response.completed", "response": response}), out);
        out.extend_from_slice(b"data: [DONE]\n\n");
    }
}

fn naive_drive(chunks: &[String], out: &mut Vec<u8>) {
    let mut machine = NaiveMachine::default();
    for chunk in chunks {
        out.clear();
        machine.chunk(chunk.as_bytes(), out);
        black_box(&out);
    }
    out.clear();
    machine.finish(out);
    black_box(&out);
}

pub(crate) fn bench(c: &mut Criterion) {
    let asked = Arc::new(Asked { model: "gpt-5.1".into(), stream: true, ..Asked::default() });

    let mut group = c.benchmark_group("answer");
    let completion = completion();
    let body = completion.as_bytes();
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("ours", |b| {
        b.iter_batched(
            || (Ids::seeded(1), sealing()),
            |(ids, sealing)| whole(black_box(body), &asked, ids, 1, sealing),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("naive", |b| b.iter(|| naive_whole(black_box(body))));
    group.finish();

    let mut group = c.benchmark_group("stream");
    for (name, chunks) in [("text", text_stream()), ("call", call_stream())] {
        let bytes = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        let elements = chunks.len() as u64;
        group.throughput(Throughput::ElementsAndBytes { elements, bytes });
        let mut out = Vec::with_capacity(1 << 16);
        group.bench_function(format!("{name}/ours"), |b| {
            b.iter_batched(
                || Machine::new(Arc::clone(&asked), Ids::seeded(1), 1, sealing()),
                |machine| drive(machine, black_box(&chunks), &mut out),
                BatchSize::SmallInput,
            );
        });
        group.bench_function(format!("{name}/naive"), |b| {
            b.iter(|| naive_drive(black_box(&chunks), &mut out));
        });
    }
    group.finish();
}
