//! The Responses API: events to the response they end in, and back.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::convert::object;
use crate::exchange::Fault;

/// The response that a stream ends in. Pure.
#[derive(Debug, Default)]
pub(super) struct Terminal(Option<Value>);

impl Terminal {
    /// The next event's data.
    ///
    /// # Errors
    ///
    /// When it begins like a JSON object and is none.
    pub(super) fn push(&mut self, data: &[u8]) -> Result<(), Fault> {
        let Some(mut event) = object(data)? else { return Ok(()) };
        let answer = match event.get("type").and_then(Value::as_str) {
            Some("response.completed" | "response.incomplete" | "response.failed") => {
                event.remove("response")
            }
            Some("error") => {
                let error = event.remove("error").unwrap_or_else(|| event.clone().into());
                Some(json!({"error": error}))
            }
            None if event.contains_key("error") => Some(event.into()),
            _ => None,
        };
        self.0 = self.0.take().or(answer);
        Ok(())
    }

    /// The response, or the stream's error.
    ///
    /// # Errors
    ///
    /// When the stream had no terminal event.
    pub(super) fn finish(self) -> Result<Value, Fault> {
        self.0.ok_or(Fault::Unfinished)
    }
}

/// A response as an event stream. `None` for what is no finished response.
pub(super) fn events(response: &Value) -> Option<String> {
    let output = response.get("output")?.as_array()?;
    let end = match response.get("status")?.as_str()? {
        "completed" => "response.completed",
        "incomplete" => "response.incomplete",
        "failed" => "response.failed",
        _ => return None,
    };
    let mut writer = Writer::default();
    let mut begun = response.clone();
    begun["status"] = "in_progress".into();
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;
    for kind in ["response.created", "response.in_progress"] {
        writer.event(kind, json!({"response": begun}));
    }
    for (index, item) in output.iter().enumerate() {
        writer.item(index, item);
    }
    writer.event(end, json!({"response": response}));
    Some(writer.text)
}

#[derive(Default)]
struct Writer {
    text: String,
    sequence: u64,
}

impl Writer {
    fn event(&mut self, kind: &str, mut data: Value) {
        data["type"] = kind.into();
        data["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        let _ = write!(self.text, "event: {kind}\ndata: {data}\n\n");
    }

    fn item(&mut self, index: usize, item: &Value) {
        let mut begun = item.clone();
        if begun.get("status").is_some() {
            begun["status"] = "in_progress".into();
        }
        match item["type"].as_str() {
            Some("message") => begun["content"] = json!([]),
            Some("function_call") => begun["arguments"] = "".into(),
            Some("custom_tool_call") => begun["input"] = "".into(),
            _ => {}
        }
        self.event("response.output_item.added", json!({"output_index": index, "item": begun}));
        let id = &item["id"];
        match item["type"].as_str() {
            Some("message") => {
                let parts = item["content"].as_array().into_iter().flatten();
                let parts = parts.filter(|part| part.is_object());
                parts.enumerate().for_each(|(nth, part)| self.part(index, id, nth, part));
            }
            Some("function_call") => {
                let names = ("response.function_call_arguments", "arguments");
                self.whole(index, id, names, &item["arguments"]);
            }
            Some("custom_tool_call") => {
                let names = ("response.custom_tool_call_input", "input");
                self.whole(index, id, names, &item["input"]);
            }
            _ => {}
        }
        self.event("response.output_item.done", json!({"output_index": index, "item": item}));
    }

    /// A text that comes in one piece.
    fn whole(&mut self, index: usize, id: &Value, (kind, field): (&str, &str), text: &Value) {
        let delta = json!({"item_id": id, "output_index": index, "delta": text});
        self.event(&format!("{kind}.delta"), delta);
        let mut done = json!({"item_id": id, "output_index": index});
        done[field] = text.clone();
        self.event(&format!("{kind}.done"), done);
    }

    fn part(&mut self, index: usize, id: &Value, nth: usize, part: &Value) {
        let (kind, field) = match part["type"].as_str() {
            Some("refusal") => ("response.refusal", "refusal"),
            _ => ("response.output_text", "text"),
        };
        let place = || json!({"item_id": id, "output_index": index, "content_index": nth});
        let mut begun = part.clone();
        begun[field] = "".into();
        let with = |name: &str, value: &Value| {
            let mut event = place();
            event[name] = value.clone();
            event
        };
        self.event("response.content_part.added", with("part", &begun));
        let (mut delta, mut done) = (with("delta", &part[field]), with(field, &part[field]));
        if field == "text" {
            for event in [&mut delta, &mut done] {
                event["logprobs"] = part.get("logprobs").cloned().unwrap_or_else(|| json!([]));
            }
        }
        self.event(&format!("{kind}.delta"), delta);
        self.event(&format!("{kind}.done"), done);
        self.event("response.content_part.done", with("part", part));
    }
}
