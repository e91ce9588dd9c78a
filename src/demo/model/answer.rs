//! An answer in parts, and its two forms: a list of chunks, or one JSON object.

use serde_json::{Value, json};

use super::{ask::Ask, calls, text};
use switchtower_testkit::openai::{self, Stamp};

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
    ToolCall {
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
                Some(result) => text::report(result),
                None => text::answer(ask.question.as_deref()),
            };
            (text::words(&text).into_iter().map(Part::Text).collect(), "stop")
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
                Part::ToolCall { id, name, .. } => {
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
            Some(Part::ToolCall { .. }) => Value::Null,
            _ => "".into(),
        }
    }
}

impl Part {
    fn delta(&self) -> Value {
        match self {
            Self::Text(word) => json!({"content": word}),
            Self::ToolCall { index, id, name } => json!({"tool_calls": [{
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

fn call_parts(calls: Vec<calls::ToolCall>, stamp: &Stamp) -> Vec<Part> {
    let unique = stamp.id.trim_start_matches("chatcmpl-");
    let mut parts = Vec::new();
    for (index, call) in calls.into_iter().enumerate() {
        parts.push(Part::ToolCall { index, id: format!("call_{unique}{index}"), name: call.name });
        let arguments: Vec<char> = call.arguments.chars().collect();
        parts.extend(
            arguments
                .chunks(FRAGMENT)
                .map(|fragment| Part::Arguments { index, fragment: fragment.iter().collect() }),
        );
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp { id: "chatcmpl-7".into(), created: 7, model: "demo".into() }
    }

    fn answer(request: &Value) -> Answer {
        Answer::to(&Ask::parse(request.to_string().as_bytes()).unwrap(), &stamp())
    }

    fn words() -> Value {
        json!({"model": "demo", "messages": [{"role": "user", "content": "Good morning"}]})
    }

    fn weather() -> Value {
        let tool = |name| {
            let properties = json!({"city": {"type": "string"}});
            json!({"type": "function", "function": {
                "name": name,
                "parameters": {"type": "object", "properties": properties, "required": ["city"]},
            }})
        };
        json!({
            "model": "demo",
            "messages": [{"role": "user", "content": "Forecast the weather"}],
            "tools": [tool("get_weather"), tool("forecast")],
        })
    }

    #[test]
    fn chunks_add_up_to_the_whole() {
        let answer = answer(&words());
        let whole = answer.whole(&stamp());
        let chunks = answer.chunks(&stamp(), false);
        let text: String = chunks
            .iter()
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
            .collect();
        assert_eq!(whole["choices"][0]["message"]["content"], text);
        assert!(text.contains("“Good morning”"));
        assert_eq!(whole["choices"][0]["finish_reason"], "stop");
        assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
        assert_eq!(chunks[chunks.len() - 1]["choices"][0]["finish_reason"], "stop");
        let unfinished = &chunks[..chunks.len() - 1];
        assert!(unfinished.iter().all(|chunk| chunk["choices"][0]["finish_reason"].is_null()));
        assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));
    }

    #[test]
    fn usage_comes_last_and_only_when_asked_for() {
        let answer = answer(&words());
        let mut chunks = answer.chunks(&stamp(), true);
        let last = chunks.pop().unwrap();
        assert_eq!(last["choices"], json!([]));
        assert_eq!(last["usage"], answer.whole(&stamp())["usage"]);
        assert_eq!(last["usage"]["prompt_tokens"], 7);
        assert_eq!(last["usage"]["completion_tokens"], answer.parts());
        assert_eq!(last["usage"]["total_tokens"], 7 + answer.parts());
        assert!(chunks.iter().all(|chunk| chunk["usage"] == json!(null)));
        assert!(chunks.iter().all(|chunk| chunk.as_object().unwrap().contains_key("usage")));
    }

    #[test]
    fn a_limit_cuts_the_answer() {
        let mut request = words();
        request["max_tokens"] = 3.into();
        let whole = answer(&request).whole(&stamp());
        assert_eq!(whole["choices"][0]["message"]["content"], "Hello! I am");
        assert_eq!(whole["choices"][0]["finish_reason"], "length");
        assert_eq!(whole["usage"]["completion_tokens"], 3);
        request["max_tokens"] = 1000.into();
        assert_eq!(answer(&request).whole(&stamp())["choices"][0]["finish_reason"], "stop");
    }

    #[test]
    fn calls_come_in_fragments_with_an_index_each() {
        let answer = answer(&weather());
        let whole = answer.whole(&stamp());
        let choice = &whole["choices"][0];
        assert_eq!(choice["finish_reason"], "tool_calls");
        assert_eq!(choice["message"]["content"], json!(null));
        let calls = choice["message"]["tool_calls"].as_array().unwrap();
        assert_eq!(calls.len(), 2);

        let chunks = answer.chunks(&stamp(), false);
        assert_eq!(chunks[0]["choices"][0]["delta"]["content"], json!(null));
        let deltas: Vec<_> = chunks
            .iter()
            .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].get(0))
            .collect();
        for (index, call) in calls.iter().enumerate() {
            let mine: Vec<_> = deltas.iter().filter(|delta| delta["index"] == index).collect();
            assert!(mine.len() > 2, "several fragments");
            assert_eq!(mine[0]["id"], call["id"]);
            assert_eq!(mine[0]["type"], "function");
            assert_eq!(mine[0]["function"]["name"], call["function"]["name"]);
            assert!(mine[1..].iter().all(|delta| delta.get("id").is_none()));
            let arguments: String =
                mine.iter().filter_map(|delta| delta["function"]["arguments"].as_str()).collect();
            assert_eq!(call["function"]["arguments"], arguments);
            assert_eq!(arguments, r#"{"city":"Paris"}"#);
        }
        assert_ne!(calls[0]["id"], calls[1]["id"]);
    }

    #[test]
    fn a_limit_cuts_a_call_too() {
        let mut request = weather();
        request["max_tokens"] = 2.into();
        let whole = answer(&request).whole(&stamp());
        let choice = &whole["choices"][0];
        assert_eq!(choice["finish_reason"], "length");
        assert_eq!(choice["message"]["tool_calls"][0]["function"]["arguments"], r#"{"city"#);
    }

    #[test]
    fn a_result_is_quoted() {
        let mut request = weather();
        request["messages"]
            .as_array_mut()
            .unwrap()
            .push(json!({"role": "tool", "tool_call_id": "call_70", "content": "21 °C, sunny"}));
        let whole = answer(&request).whole(&stamp());
        let text = whole["choices"][0]["message"]["content"].as_str().unwrap();
        assert!(text.starts_with("The tool answered “21 °C, sunny”."), "{text}");
    }
}
