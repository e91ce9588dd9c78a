//! Chat Completions: chunks to a completion, and back.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Map, Value, json};

use super::{convert::object, merge::merge};
use crate::exchange::Fault;

/// Makes a completion of its chunks. Pure.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    /// The fields beside `choices`.
    completion: Map<String, Value>,
    choices: BTreeMap<u64, Choice>,
    error: Option<Value>,
}

#[derive(Debug, Default)]
struct Choice {
    message: Map<String, Value>,
    /// The fields beside the message.
    fields: Map<String, Value>,
}

impl Assembler {
    /// The next event's data.
    ///
    /// # Errors
    ///
    /// When it begins like a JSON object and is none.
    pub(super) fn push(&mut self, data: &[u8]) -> Result<(), Fault> {
        let Some(mut chunk) = object(data)? else { return Ok(()) };
        if chunk.get("error").is_some_and(|error| !error.is_null()) {
            self.error.get_or_insert(chunk.into());
            return Ok(());
        }
        let choices = match chunk.remove("choices") {
            Some(Value::Array(choices)) => choices,
            _ => Vec::new(),
        };
        // Zeros in a later chunk say nothing.
        if chunk.get("usage").is_some_and(|usage| !has_tokens(usage)) {
            chunk.remove("usage");
        }
        merge(&mut self.completion, chunk);
        for choice in choices {
            self.push_choice(choice);
        }
        Ok(())
    }

    fn push_choice(&mut self, choice: Value) {
        let Value::Object(mut fields) = choice else { return };
        let index = fields.remove("index").and_then(|index| index.as_u64()).unwrap_or_default();
        let choice = self.choices.entry(index).or_default();
        if let Some(Value::Object(mut delta)) =
            fields.remove("delta").or_else(|| fields.remove("message"))
        {
            // The first one counts.
            if choice.message.contains_key("role") {
                delta.remove("role");
            }
            merge(&mut choice.message, delta);
        }
        merge(&mut choice.fields, fields);
    }

    /// The completion, or the stream's error.
    ///
    /// # Errors
    ///
    /// When a choice has no finish reason.
    pub(super) fn finish(self) -> Result<Value, Fault> {
        if let Some(error) = self.error {
            return Ok(error);
        }
        let is_finished = |choice: &Choice| {
            choice.fields.get("finish_reason").is_some_and(|reason| !reason.is_null())
        };
        if self.choices.is_empty() || !self.choices.values().all(is_finished) {
            return Err(Fault::Unfinished);
        }
        let choices = self.choices.into_iter().map(|(index, choice)| {
            let Choice { mut message, mut fields } = choice;
            message.entry("role").or_insert_with(|| "assistant".into());
            message.entry("content").or_insert(Value::Null);
            if let Some(Value::Array(calls)) = message.get_mut("tool_calls") {
                calls.iter_mut().filter_map(Value::as_object_mut).for_each(|call| {
                    call.remove("index");
                });
            }
            fields.insert("index".into(), index.into());
            fields.insert("message".into(), message.into());
            Value::Object(fields)
        });
        let choices: Vec<Value> = choices.collect();
        let mut completion = self.completion;
        completion.insert("object".into(), "chat.completion".into());
        completion.insert("choices".into(), choices.into());
        Ok(completion.into())
    }
}

fn has_tokens(usage: &Value) -> bool {
    let counts = usage.as_object().into_iter().flat_map(Map::values);
    counts
        .into_iter()
        .any(|count| count.as_u64().is_some_and(|count| count > 0) || has_tokens(count))
}

/// A completion as an event stream: for each choice a chunk with its message and one with its
/// finish reason, of which the last one has the usage. `None` for what is no completion.
pub(super) fn events(completion: Value) -> Option<String> {
    let Value::Object(mut chunk) = completion else { return None };
    let Some(Value::Array(choices)) = chunk.remove("choices") else { return None };
    if chunk.get("error").is_some_and(|error| !error.is_null()) || choices.is_empty() {
        return None;
    }
    let usage = chunk.remove("usage").filter(|usage| !usage.is_null());
    chunk.insert("object".into(), "chat.completion.chunk".into());
    let mut text = String::new();
    let mut emit = |choice: Value, usage: Option<&Value>| {
        let mut chunk = chunk.clone();
        chunk.insert("choices".into(), json!([choice]));
        if let Some(usage) = usage {
            chunk.insert("usage".into(), usage.clone());
        }
        let _ = write!(text, "data: {}\n\n", Value::Object(chunk));
    };
    let last = choices.len() - 1;
    for (number, choice) in choices.into_iter().enumerate() {
        let Value::Object(mut fields) = choice else { return None };
        let Some(Value::Object(mut delta)) = fields.remove("message") else { return None };
        let index = fields.remove("index").unwrap_or_else(|| number.into());
        if let Some(Value::Array(calls)) = delta.get_mut("tool_calls") {
            let calls = calls.iter_mut().filter_map(Value::as_object_mut);
            calls.enumerate().for_each(|(nth, call)| {
                call.entry("index").or_insert_with(|| nth.into());
            });
        }
        let logprobs = fields.remove("logprobs").unwrap_or_default();
        let finish = fields.get("finish_reason").is_some_and(|reason| !reason.is_null());
        let message = json!({
            "index": index, "delta": delta, "logprobs": logprobs, "finish_reason": null,
        });
        emit(message, None);
        if finish {
            fields.insert("index".into(), index);
            fields.insert("delta".into(), json!({}));
            emit(fields.into(), usage.as_ref().filter(|_| number == last));
        }
    }
    text.push_str("data: [DONE]\n\n");
    Some(text)
}
