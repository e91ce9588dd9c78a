//! Items while they grow, as the events of a Responses stream.

use super::{
    item::{Body, Item, PartKind, Status, write_summary},
    items::Sink,
    json::Put,
};
use crate::responses::Kind;

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

    /// Begins an event about a part of an item; `part` names the index of the part, if it has one.
    fn begin_of(&mut self, head: &'static str, at: usize, item: &Item, part: &str) {
        self.begin(head);
        self.out.put(",\"item_id\":\"");
        item.id.write(self.out);
        self.out.put("\",\"output_index\":").number(at as u64);
        if let Body::Message(parts) = &item.body {
            self.out.put(part).number(parts.len().saturating_sub(1) as u64);
        } else if matches!(item.body, Body::Reasoning(_)) {
            self.out.put(part).put("0");
        }
    }

    fn string(&mut self, field: &str, text: &[u8]) {
        self.out.put(field).bytes(text).put("\"");
    }
}

const CONTENT: &str = ",\"content_index\":";
const SUMMARY: &str = ",\"summary_index\":";

impl Sink for Events<'_> {
    fn added(&mut self, at: usize, item: &Item) {
        self.begin(head!("response.output_item.added"));
        self.out.put(",\"output_index\":").number(at as u64).put(",\"item\":");
        item.write(Status::InProgress, self.out);
        self.end();
    }

    fn part_added(&mut self, at: usize, item: &Item) {
        match &item.body {
            Body::Reasoning(_) => {
                self.begin_of(head!("response.reasoning_summary_part.added"), at, item, SUMMARY);
                write_summary(b"", self.out.put(",\"part\":"));
            }
            Body::Message(_) => {
                self.begin_of(head!("response.content_part.added"), at, item, CONTENT);
                self.out.put(",\"part\":");
                if let Some(part) = item.last_part() {
                    part.write(self.out);
                }
            }
            Body::Call(_) => return,
        }
        self.end();
    }

    fn delta(&mut self, at: usize, item: &Item, from: usize, logprobs: &str) {
        let delta = &item.text()[from..];
        match (&item.body, item.last_part().map(|part| part.kind)) {
            (Body::Reasoning(_), _) => {
                self.begin_of(head!("response.reasoning_summary_text.delta"), at, item, SUMMARY);
            }
            (Body::Message(_), Some(PartKind::Refusal)) => {
                self.begin_of(head!("response.refusal.delta"), at, item, CONTENT);
            }
            (Body::Message(_), _) => {
                self.begin_of(head!("response.output_text.delta"), at, item, CONTENT);
                self.out.put(",\"logprobs\":[").put(logprobs).put("]");
            }
            (Body::Call(call), _) if call.called.kind == Kind::Custom => {
                self.begin_of(head!("response.custom_tool_call_input.delta"), at, item, "");
            }
            (Body::Call(_), _) => {
                self.begin_of(head!("response.function_call_arguments.delta"), at, item, "");
            }
        }
        self.string(",\"delta\":\"", delta);
        self.end();
    }

    fn part_done(&mut self, at: usize, item: &Item) {
        let text = item.text();
        match &item.body {
            Body::Reasoning(_) => {
                self.begin_of(head!("response.reasoning_summary_text.done"), at, item, SUMMARY);
                self.string(",\"text\":\"", text);
                self.end();
                self.begin_of(head!("response.reasoning_summary_part.done"), at, item, SUMMARY);
                write_summary(text, self.out.put(",\"part\":"));
            }
            Body::Message(_) => {
                let Some(part) = item.last_part() else { return };
                match part.kind {
                    PartKind::Text => {
                        self.begin_of(head!("response.output_text.done"), at, item, CONTENT);
                        self.out.put(",\"logprobs\":[").bytes(&part.logprobs).put("]");
                        self.string(",\"text\":\"", text);
                    }
                    PartKind::Refusal => {
                        self.begin_of(head!("response.refusal.done"), at, item, CONTENT);
                        self.string(",\"refusal\":\"", text);
                    }
                }
                self.end();
                self.begin_of(head!("response.content_part.done"), at, item, CONTENT);
                part.write(self.out.put(",\"part\":"));
            }
            Body::Call(call) => match call.called.kind {
                Kind::Function => {
                    self.begin_of(head!("response.function_call_arguments.done"), at, item, "");
                    self.out.put(",\"name\":").string(&call.called.name);
                    self.string(",\"arguments\":\"", text);
                }
                Kind::Custom => {
                    self.begin_of(head!("response.custom_tool_call_input.done"), at, item, "");
                    self.string(",\"input\":\"", text);
                }
                Kind::LocalShell | Kind::ToolSearch => return,
            },
        }
        self.end();
    }

    fn done(&mut self, at: usize, json: &[u8]) {
        self.begin(head!("response.output_item.done"));
        self.out.put(",\"output_index\":").number(at as u64).put(",\"item\":").bytes(json);
        self.end();
    }
}
