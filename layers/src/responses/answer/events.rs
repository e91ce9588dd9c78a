//! Items while they grow, as the events of a Responses stream.

use super::{
    item::{Body, Item, PartKind, Status, write_summary},
    items::Sink,
    json::Put,
};
use crate::responses::ToolKind;

/// The beginning of an event of this type, up to the value of its sequence number.
macro_rules! head {
    ($kind:literal) => {
        concat!("event: ", $kind, "\ndata: {\"type\":\"", $kind, "\",\"sequence_number\":")
    };
}
pub(super) use head;

/// Writes events, numbered from 0 on without gaps.
pub(super) struct Events<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) sequence: &'a mut u64,
}

impl Events<'_> {
    pub(super) fn begin(&mut self, head: &'static str) {
        self.out.put(head).number(*self.sequence);
        *self.sequence += 1;
    }

    pub(super) fn end(&mut self) {
        self.out.put("}\n\n");
    }

    /// Begins an event about an item; about a part of it, if its kind has parts.
    fn begin_of(&mut self, head: &'static str, item: &Item) {
        self.begin(head);
        self.out.bytes(&item.scope);
        match &item.body {
            Body::Reasoning(_) => self.out.put(",\"summary_index\":0"),
            Body::Message(parts) => {
                self.out.put(",\"content_index\":").number(parts.len().saturating_sub(1) as u64)
            }
            Body::ToolCall(_) => self.out,
        };
    }

    /// Ends an event with a string.
    fn end_with(&mut self, field: &str, text: &[u8]) {
        self.out.put(field).bytes(text).put("\"}\n\n");
    }
}

impl Sink for Events<'_> {
    fn added(&mut self, at: usize, item: &Item) {
        self.begin(head!("response.output_item.added"));
        self.out.put(",\"output_index\":").number(at as u64).put(",\"item\":");
        item.write(Status::InProgress, self.out);
        self.end();
    }

    fn part_added(&mut self, item: &Item) {
        match &item.body {
            Body::Reasoning(_) => {
                self.begin_of(head!("response.reasoning_summary_part.added"), item);
                write_summary(b"", self.out.put(",\"part\":"));
                self.end();
            }
            Body::Message(parts) => {
                let Some(part) = parts.last() else { return };
                self.begin_of(head!("response.content_part.added"), item);
                part.write(self.out.put(",\"part\":"));
                self.end();
            }
            Body::ToolCall(_) => {}
        }
    }

    fn delta(&mut self, item: &Item, from: usize, logprobs: &str) {
        let mut field = ",\"delta\":\"";
        match (&item.body, item.last_part().map(|part| part.kind)) {
            (Body::Reasoning(_), _) => {
                self.begin_of(head!("response.reasoning_summary_text.delta"), item);
            }
            (Body::Message(_), Some(PartKind::Refusal)) => {
                self.begin_of(head!("response.refusal.delta"), item);
            }
            (Body::Message(_), _) => {
                self.begin_of(head!("response.output_text.delta"), item);
                if logprobs.is_empty() {
                    field = ",\"logprobs\":[],\"delta\":\"";
                } else {
                    self.out.put(",\"logprobs\":[").put(logprobs).put("]");
                }
            }
            (Body::ToolCall(call), _) if call.called.kind == ToolKind::Custom => {
                self.begin_of(head!("response.custom_tool_call_input.delta"), item);
            }
            (Body::ToolCall(_), _) => {
                self.begin_of(head!("response.function_call_arguments.delta"), item);
            }
        }
        self.end_with(field, &item.text()[from..]);
    }

    fn part_done(&mut self, item: &Item) {
        let text = item.text();
        match &item.body {
            Body::Reasoning(_) => {
                self.begin_of(head!("response.reasoning_summary_text.done"), item);
                self.end_with(",\"text\":\"", text);
                self.begin_of(head!("response.reasoning_summary_part.done"), item);
                write_summary(text, self.out.put(",\"part\":"));
                self.end();
            }
            Body::Message(parts) => {
                let Some(part) = parts.last() else { return };
                match part.kind {
                    PartKind::Text => {
                        self.begin_of(head!("response.output_text.done"), item);
                        self.out.put(",\"logprobs\":[").bytes(&part.logprobs);
                        self.end_with("],\"text\":\"", text);
                    }
                    PartKind::Refusal => {
                        self.begin_of(head!("response.refusal.done"), item);
                        self.end_with(",\"refusal\":\"", text);
                    }
                }
                self.begin_of(head!("response.content_part.done"), item);
                part.write(self.out.put(",\"part\":"));
                self.end();
            }
            Body::ToolCall(call) => match call.called.kind {
                ToolKind::Function => {
                    self.begin_of(head!("response.function_call_arguments.done"), item);
                    self.out.put(",\"name\":").string(&call.called.name);
                    self.end_with(",\"arguments\":\"", text);
                }
                ToolKind::Custom => {
                    self.begin_of(head!("response.custom_tool_call_input.done"), item);
                    self.end_with(",\"input\":\"", text);
                }
                ToolKind::LocalShell | ToolKind::ToolSearch => {}
            },
        }
    }

    fn done(&mut self, at: usize, json: &[u8]) {
        self.begin(head!("response.output_item.done"));
        self.out.put(",\"output_index\":").number(at as u64).put(",\"item\":").bytes(json);
        self.end();
    }
}
