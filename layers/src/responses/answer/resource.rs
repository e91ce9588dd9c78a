//! The response object.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ending::Ending, failure::Failure, ids::Id, json::Put, usage::Usage};
use crate::responses::ResponseContext;

/// The parts of a response object that do not change while it grows, as JSON.
pub(super) struct Resource {
    head: Vec<u8>,
    tail: Vec<u8>,
}

/// Where a response stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum ResponseState<'a> {
    InProgress,
    /// At its end, at this time (Unix seconds).
    Ended(Ending, u64),
    Failed(&'a Failure),
}

/// What every response object has, as it is when the request did not say, in the order in which
/// it is written. What is not null here may never be null.
const ECHOED: [(&str, &str); 22] = [
    ("background", "false"),
    ("frequency_penalty", "0"),
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("presence_penalty", "0"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("prompt_cache_retention", "null"),
    ("reasoning", "null"),
    ("safety_identifier", "null"),
    ("service_tier", "\"default\""),
    ("store", "true"),
    ("temperature", "1"),
    ("text", "{\"format\":{\"type\":\"text\"}}"),
    ("tool_choice", "\"auto\""),
    ("tools", "[]"),
    ("top_logprobs", "0"),
    ("top_p", "1"),
    ("truncation", "\"disabled\""),
];

impl Resource {
    /// The response of this id to what was asked, made at this time (Unix seconds).
    pub(super) fn new(context: &ResponseContext, id: &Id, now: u64) -> Self {
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        id.write(head.put("{\"id\":\""));
        head.put("\",\"object\":\"response\",\"created_at\":").number(now);
        head.put(",\"model\":").string(&context.model);
        for (field, default) in ECHOED {
            tail.put(",\"").put(field).put("\":");
            match context.echo.get(field).map(RawValue::get) {
                None => tail.put(default),
                Some(value) => tail.put(&completed(field, value)),
            };
        }
        tail.put("}");
        Self { head, tail }
    }

    /// The response object.
    pub(super) fn write<'a>(
        &self,
        standing: ResponseState<'_>,
        output: impl Iterator<Item = &'a [u8]>,
        usage: Option<&Usage>,
        out: &mut Vec<u8>,
    ) {
        out.bytes(&self.head).put(",\"status\":\"").put(match standing {
            ResponseState::InProgress => "in_progress",
            ResponseState::Ended(Ending::Completed, _) => "completed",
            ResponseState::Ended(Ending::Incomplete(_), _) => "incomplete",
            ResponseState::Failed(_) => "failed",
        });
        out.put("\",\"completed_at\":");
        match standing {
            ResponseState::Ended(Ending::Completed, now) => out.number(now),
            _ => out.put("null"),
        };
        out.put(",\"error\":");
        match standing {
            ResponseState::Failed(Failure { code, message }) => {
                out.put("{\"code\":").string(code).put(",\"message\":").string(message).put("}")
            }
            _ => out.put("null"),
        };
        out.put(",\"incomplete_details\":");
        match standing {
            ResponseState::Ended(Ending::Incomplete(reason), _) => {
                out.put("{\"reason\":").string(reason).put("}")
            }
            _ => out.put("null"),
        };
        out.put(",\"output\":[");
        for (at, item) in output.enumerate() {
            out.put(if at == 0 { "" } else { "," }).bytes(item);
        }
        out.put("],\"usage\":");
        match usage {
            Some(usage) => usage.write(out),
            None => {
                out.put("null");
            }
        }
        out.bytes(&self.tail);
    }
}

/// The value with the fields that a request may leave out and a response may not.
fn completed<'a>(field: &str, value: &'a str) -> Cow<'a, str> {
    match field {
        "reasoning" => with(value, &[("effort", "null"), ("summary", "null")]),
        "text" => {
            #[derive(Deserialize)]
            struct Text<'a> {
                #[serde(borrow)]
                format: Option<&'a RawValue>,
            }
            let format = serde_json::from_str::<Text<'_>>(value).ok().and_then(|text| text.format);
            match format.map(RawValue::get) {
                Some(format) if kind(format) == "json_schema" => {
                    let whole = with(format, &[("description", "null"), ("strict", "false")]);
                    value.replacen(format, &whole, 1).into()
                }
                _ => with(value, &[("format", "{\"type\":\"text\"}")]),
            }
        }
        "tools" => tools(value),
        _ => value.into(),
    }
}

/// The tools, those of type `function` with all of their fields.
fn tools(value: &str) -> Cow<'_, str> {
    const FIELDS: [(&str, &str); 3] =
        [("description", "null"), ("parameters", "null"), ("strict", "null")];
    let Ok(tools) = serde_json::from_str::<Vec<&RawValue>>(value) else { return value.into() };
    let tools = tools.into_iter().map(|tool| match kind(tool.get()) {
        kind if kind == "function" => with(tool.get(), &FIELDS),
        _ => tool.get().into(),
    });
    format!("[{}]", tools.collect::<Vec<_>>().join(",")).into()
}

fn kind(object: &str) -> Cow<'_, str> {
    #[derive(Deserialize)]
    struct ToolType<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
    }
    serde_json::from_str::<ToolType<'_>>(object).map(|object| object.kind).unwrap_or_default()
}

/// The object with these fields, where it lacks them.
fn with<'a>(object: &'a str, fields: &[(&str, &str)]) -> Cow<'a, str> {
    type Fields<'a> = std::collections::HashMap<Cow<'a, str>, &'a RawValue>;
    let Ok(known) = serde_json::from_str::<Fields<'_>>(object) else { return object.into() };
    let missing = fields.iter().filter(|(name, _)| !known.contains_key(*name));
    let mut out = Cow::Borrowed(object);
    for (at, (name, value)) in missing.enumerate() {
        let text = out.to_mut();
        text.truncate(text.trim_end().len() - 1);
        let comma = if known.is_empty() && at == 0 { "" } else { "," };
        text.push_str(&format!("{comma}\"{name}\":{value}}}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::responses::Echo;

    #[test]
    fn every_field_of_the_echo_is_written() {
        assert_eq!(ECHOED.map(|(field, _)| field), Echo::FIELDS);
    }

    #[test]
    fn what_a_request_may_leave_out_is_filled_in() {
        for (field, value, whole) in [
            ("reasoning", r#"{"effort":"high"}"#, r#"{"effort":"high","summary":null}"#),
            ("reasoning", "{}", r#"{"effort":null,"summary":null}"#),
            ("text", r#"{"verbosity":"low"}"#, r#"{"verbosity":"low","format":{"type":"text"}}"#),
            (
                "text",
                r#"{"format":{"type":"json_schema","name":"n","schema":{}}}"#,
                r#"{"format":{"type":"json_schema","name":"n","schema":{},"description":null,"strict":false}}"#,
            ),
            (
                "text",
                r#"{"format":{"type":"json_object"}}"#,
                r#"{"format":{"type":"json_object"}}"#,
            ),
            (
                "tools",
                r#"[{"type":"function","name":"f","strict":true}, {"type":"custom","name":"c"}]"#,
                r#"[{"type":"function","name":"f","strict":true,"description":null,"parameters":null},{"type":"custom","name":"c"}]"#,
            ),
            ("tools", "7", "7"),
            ("temperature", "0.5", "0.5"),
        ] {
            assert_eq!(completed(field, value), whole, "{field} {value}");
        }
    }
}
