//! Output items, as far as they have come. All text in them is kept as the inside of a JSON
//! string: mostly that is how it came, and it is only copied from then on.

use super::{custom_tool_input::Unwrap, ids::Id, json::Put};
use crate::responses::{ToolKind, ToolRef};

#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: Id,
    /// How events name it, as a piece of JSON.
    pub(super) scope: Vec<u8>,
    pub(super) body: Body,
    /// The whole item, once it is done.
    pub(super) done: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(super) enum Body {
    Reasoning(Reasoning),
    Message(Vec<Part>),
    ToolCall(Box<ToolCall>),
}

#[derive(Debug, Default)]
pub(super) struct Reasoning {
    pub(super) text: Vec<u8>,
    pub(super) sealed: Option<String>,
}

/// A part of a message.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) kind: PartKind,
    pub(super) text: Vec<u8>,
    /// The inside of a JSON array.
    pub(super) logprobs: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartKind {
    Text,
    Refusal,
}

#[derive(Debug)]
pub(super) struct ToolCall {
    pub(super) called: ToolRef,
    pub(super) call_id: String,
    /// The arguments, or the input of a custom tool.
    pub(super) text: Vec<u8>,
    pub(super) unwrap: Unwrap,
    /// Of a `local_shell_call` its action, of a `tool_search_call` its arguments.
    pub(super) object: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    InProgress,
    Completed,
    Incomplete,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
        }
    }
}

impl Item {
    /// The item at this output index.
    pub(super) fn new(id: Id, at: usize, body: Body) -> Self {
        let mut scope = Vec::with_capacity(80);
        id.write(scope.put(",\"item_id\":\""));
        scope.put("\",\"output_index\":").number(at as u64);
        Self { id, scope, body, done: None }
    }

    /// The text that grows: the reasoning, the last part's, or the call's arguments.
    pub(super) fn text(&self) -> &[u8] {
        match &self.body {
            Body::Reasoning(reasoning) => &reasoning.text,
            Body::Message(parts) => parts.last().map_or(&[], |part| &part.text),
            Body::ToolCall(call) => &call.text,
        }
    }

    /// Appends to that text the inside of a JSON string, and gives where it begins.
    pub(super) fn append(&mut self, inside: &str) -> usize {
        let growing = match &mut self.body {
            Body::Reasoning(reasoning) => &mut reasoning.text,
            Body::Message(parts) => match parts.last_mut() {
                Some(part) => &mut part.text,
                None => return 0,
            },
            Body::ToolCall(call) => &mut call.text,
        };
        let from = growing.len();
        growing.put(inside);
        from
    }

    pub(super) fn last_part(&self) -> Option<&Part> {
        match &self.body {
            Body::Message(parts) => parts.last(),
            _ => None,
        }
    }

    /// The item as JSON.
    pub(super) fn write(&self, status: Status, out: &mut Vec<u8>) {
        out.put("{\"id\":\"");
        self.id.write(out);
        out.put("\",\"type\":\"").put(self.kind());
        out.put("\",\"status\":\"").put(status.as_str()).put("\",");
        match &self.body {
            Body::Reasoning(reasoning) => reasoning.write(out),
            Body::Message(parts) => {
                out.put("\"role\":\"assistant\",\"content\":[");
                for (at, part) in parts.iter().enumerate() {
                    part.write(out.put(if at == 0 { "" } else { "," }));
                }
                out.put("]");
            }
            Body::ToolCall(call) => call.write(out),
        }
        out.put("}");
    }

    fn kind(&self) -> &'static str {
        match &self.body {
            Body::Reasoning(_) => "reasoning",
            Body::Message(_) => "message",
            Body::ToolCall(call) => match call.called.kind {
                ToolKind::Function => "function_call",
                ToolKind::Custom => "custom_tool_call",
                ToolKind::LocalShell => "local_shell_call",
                ToolKind::ToolSearch => "tool_search_call",
            },
        }
    }
}

impl Reasoning {
    fn write(&self, out: &mut Vec<u8>) {
        out.put("\"summary\":[");
        if !self.text.is_empty() {
            write_summary(&self.text, out);
        }
        out.put("]");
        if let Some(sealed) = &self.sealed {
            out.put(",\"encrypted_content\":").string(sealed);
        }
    }
}

/// The one part of a reasoning summary.
pub(super) fn write_summary(text: &[u8], out: &mut Vec<u8>) {
    out.put("{\"type\":\"summary_text\",\"text\":\"").bytes(text).put("\"}");
}

impl Part {
    pub(super) fn new(kind: PartKind) -> Self {
        Self { kind, text: Vec::new(), logprobs: Vec::new() }
    }

    pub(super) fn add_logprobs(&mut self, logprobs: &str) {
        if !logprobs.is_empty() {
            self.logprobs.put(if self.logprobs.is_empty() { "" } else { "," }).put(logprobs);
        }
    }

    /// The part as JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self.kind {
            PartKind::Text => {
                out.put("{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[");
                out.bytes(&self.logprobs).put("],\"text\":\"")
            }
            PartKind::Refusal => out.put("{\"type\":\"refusal\",\"refusal\":\""),
        };
        out.bytes(&self.text).put("\"}");
    }
}

impl ToolCall {
    pub(super) fn new(called: ToolRef, call_id: String, object: Vec<u8>) -> Self {
        Self { called, call_id, text: Vec::new(), unwrap: Unwrap::default(), object }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put("\"call_id\":").string(&self.call_id);
        let (field, quote, value) = match self.called.kind {
            ToolKind::Function => ("arguments", "\"", &self.text),
            ToolKind::Custom => ("input", "\"", &self.text),
            ToolKind::LocalShell => ("action", "", &self.object),
            ToolKind::ToolSearch => ("arguments", "", &self.object),
        };
        match self.called.kind {
            ToolKind::Function | ToolKind::Custom => {
                out.put(",\"name\":").string(&self.called.name);
                if let Some(namespace) = &self.called.namespace {
                    out.put(",\"namespace\":").string(namespace);
                }
            }
            ToolKind::LocalShell => {}
            ToolKind::ToolSearch => {
                out.put(",\"execution\":\"client\"");
            }
        }
        out.put(",\"").put(field).put("\":").put(quote).bytes(value).put(quote);
    }
}
