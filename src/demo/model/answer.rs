//! An answer in parts, and its two forms: a list of chunks, or one JSON object.

use serde_json::{Value, json};

use super::{ask::Ask, calls, speech};
use crate::demo::openai::{self, Stamp};

/// Arguments are streamed in fragments of this many characters.
const FRAGMENT: usize = 6;

/// What the model says, cut to the client's limit. Each part counts as one token.
#[derive(Debug)]
pub(super) struct Answer {
    parts: Vec<Part>,
    finish: &'static str,
    prompt_tokens: usize,
}

#[derive(Debug)]
enum Part {
    Text(String),
    /// A call begins.
    Call {
        index: usize,
        id: String,
        name: String,
    },
    /// More of the arguments of the call that began last.
    Arguments {
        index: usize,
        fragment: String,
    },
}

impl Answer {
    pub(super) fn to(ask: &Ask, stamp: &Stamp) -> Self {
        let calls = calls::wanted(ask);
        let (mut parts, mut finish) = if calls.is_empty() {
            let text = match &ask.result {
                Some(result) => speech::report(result),
                None => speech::answer(ask.question.as_deref()),
            };
            (speech::words(&text).into_iter().map(Part::Text).collect(), "stop")
        } else {
            (call_parts(calls, stamp), "tool_calls")
        };
        if let Some(limit) = ask.limit.filter(|limit| *limit < parts.len()) {
            parts.truncate(limit);
            finish = "length";
        }
        Self { parts, finish, prompt_tokens: ask.prompt_tokens }
    }

    /// How many parts the answer has: the chunks between the first and the finish reason.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The chunks of the stream, without `[DONE]`.
    pub(super) fn chunks(&self, stamp: &Stamp, include_usage: bool) -> Vec<Value> {
        let role = json!({"role": "assistant", "content": self.opening(), "refusal": null});
        let mut chunks = vec![openai::chunk(stamp, &role, None)];
        chunks.extend(self.parts.iter().map(|part| openai::chunk(stamp, &part.delta(), None)));
        chunks.push(openai::chunk(stamp, &json!({}), Some(self.finish)));
        if include_usage {
            for chunk in &mut chunks {
                chunk["usage"] = Value::Null;
            }
            chunks.push(openai::usage_chunk(stamp, &self.usage()));
        }
        chunks
    }

    /// The answer in one piece.
    pub(super) fn whole(&self, stamp: &Stamp) -> Value {
        let mut message =
            json!({"role": "assistant", "content": null, "refusal": null, "annotations": []});
        let mut text = String::new();
        let mut calls: Vec<Value> = Vec::new();
        let mut arguments = String::new();
        for part in &self.parts {
            match part {
                Part::Text(word) => text.push_str(word),
                Part::Call { id, name, .. } => {
                    arguments.clear();
                    calls.push(json!({
                        "id": id,
                        "type": "function",
                        "function": {"name": name, "arguments": ""},
                    }));
                }
                Part::Arguments { index, fragment } => {
                    arguments.push_str(fragment);
                    calls[*index]["function"]["arguments"] = arguments.as_str().into();
                }
            }
        }
        if calls.is_empty() {
            message["content"] = text.into();
        } else {
            message["tool_calls"] = calls.into();
        }
        openai::completion(stamp, &message, self.finish, &self.usage())
    }

    fn usage(&self) -> Value {
        openai::usage(self.prompt_tokens, self.parts.len())
    }

    /// The content of the first chunk: text begins empty, calls have none.
    fn opening(&self) -> Value {
        match self.parts.first() {
            Some(Part::Call { .. }) => Value::Null,
            _ => "".into(),
        }
    }
}

impl Part {
    fn delta(&self) -> Value {
        match self {
            Self::Text(word) => json!({"content": word}),
            Self::Call { index, id, name } => json!({"tool_calls": [{
                "index": index,
                "id": id,
                "type": "function",
                "function": {"name": name, "arguments": ""},
            }]}),
            Self::Arguments { index, fragment } => {
                json!({"tool_calls": [{"index": index, "function": {"arguments": fragment}}]})
            }
        }
    }
}

fn call_parts(calls: Vec<calls::Call>, stamp: &Stamp) -> Vec<Part> {
    let unique = stamp.id.trim_start_matches("chatcmpl-");
    let mut parts = Vec::new();
    for (index, call) in calls.into_iter().enumerate() {
        parts.push(Part::Call { index, id: format!("call_{unique}{index}"), name: call.name });
        let arguments: Vec<char> = call.arguments.chars().collect();
        parts.extend(
            arguments
                .chunks(FRAGMENT)
                .map(|fragment| Part::Arguments { index, fragment: fragment.iter().collect() }),
        );
    }
    parts
}
