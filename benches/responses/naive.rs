//! The translation of answers over `serde_json::Value`, as one writes it down first.

use serde_json::{Value, json};

fn response_of(status: &str, output: &[Value], usage: &Value) -> Value {
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

fn message_item(text: &str, status: &str) -> Value {
    json!({"id": "msg_1", "type": "message", "status": status, "role": "assistant",
        "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": text}]})
}

fn call_item(call: &Value, arguments: &str, status: &str) -> Value {
    json!({"id": "fc_1", "type": "function_call", "status": status, "call_id": call["id"],
        "name": call["function"]["name"], "arguments": arguments})
}

fn usage_of(usage: &Value) -> Value {
    json!({"input_tokens": usage["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": usage["total_tokens"]})
}

pub(crate) fn translate_response(body: &[u8]) -> Vec<u8> {
    let answer: Value = serde_json::from_slice(body).expect("JSON");
    let message = &answer["choices"][0]["message"];
    let mut output = Vec::new();
    if let Some(text) = message["reasoning_content"].as_str() {
        output.push(json!({"id": "rs_1", "type": "reasoning", "status": "completed",
            "summary": [{"type": "summary_text", "text": text}]}));
    }
    if let Some(text) = message["content"].as_str() {
        output.push(message_item(text, "completed"));
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        output.push(call_item(call, arguments, "completed"));
    }
    let response = response_of("completed", &output, &usage_of(&answer["usage"]));
    serde_json::to_vec(&response).expect("JSON")
}

/// Knows one message or one call, and nothing of what goes wrong.
#[derive(Default)]
pub(crate) struct StreamTranslator {
    sequence: u64,
    text: String,
    call: Option<Value>,
    usage: Value,
}

impl StreamTranslator {
    fn event(&mut self, mut event: Value, out: &mut Vec<u8>) {
        event["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        let kind = event["type"].as_str().unwrap_or_default();
        out.extend_from_slice(format!("event: {kind}\ndata: {event}\n\n").as_bytes());
    }

    pub(crate) fn chunk(&mut self, data: &[u8], out: &mut Vec<u8>) {
        let chunk: Value = serde_json::from_slice(data).expect("JSON");
        if self.sequence == 0 {
            for kind in ["response.created", "response.in_progress"] {
                let response = response_of("in_progress", &[], &Value::Null);
                self.event(json!({"type": kind, "response": response}), out);
            }
        }
        if chunk["usage"].is_object() {
            self.usage = usage_of(&chunk["usage"]);
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
                let item = call_item(call, "", "in_progress");
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

    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        let item = match &self.call {
            Some(call) => call_item(call, &self.text, "completed"),
            None => message_item(&self.text, "completed"),
        };
        let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item});
        self.event(done, out);
        let response = response_of("completed", &[item], &self.usage);
        self.event(json!({"type": "response.completed", "response": response}), out);
        out.extend_from_slice(b"data: [DONE]\n\n");
    }
}
