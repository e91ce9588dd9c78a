//! Drives the machine and the mapper in tests, and checks that a stream is grammatical.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{Failure, Ids, Sealing, StreamTranslator, translate_response};
use crate::{
    exchange::Fault,
    responses::{
        ResponseContext, ToolKind, ToolRef,
        context::{Echo, ToolMap},
    },
    sse::Framer,
};

pub(super) const NOW: u64 = 1_790_000_000;

/// What is asked for with these tools: the name sent, the kind, the name, the namespace.
pub(super) fn context_with(tools: &[(&str, ToolKind, &str, Option<&str>)]) -> ResponseContext {
    let called = |&(sent, kind, name, namespace): &(&str, ToolKind, &str, Option<&str>)| {
        let (name, namespace) = (name.into(), namespace.map(Into::into));
        (sent.into(), ToolRef { kind, name, namespace })
    };
    ResponseContext {
        model: "gpt-5.1-codex".into(),
        stream: true,
        tools: ToolMap(tools.iter().map(called).collect()),
        echo: Echo::default(),
        ..ResponseContext::default()
    }
}

pub(super) fn context() -> ResponseContext {
    context_with(&[
        ("shell", ToolKind::Function, "shell", None),
        ("get_weather", ToolKind::Function, "get_weather", None),
        ("apply_patch", ToolKind::Custom, "apply_patch", None),
        ("mail__send", ToolKind::Function, "send", Some("mail")),
        ("mail__draft", ToolKind::Custom, "draft", Some("mail")),
        ("local_shell", ToolKind::LocalShell, "local_shell", None),
        ("tool_search", ToolKind::ToolSearch, "tool_search", None),
    ])
}

pub(super) fn sealing() -> Sealing {
    Box::new(|text| format!("sealed({text})"))
}

pub(super) fn translator(context: ResponseContext) -> StreamTranslator {
    StreamTranslator::new(Arc::new(context), Ids::seeded(7), NOW, sealing())
}

/// What a client sees of a stream.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) events: Vec<Value>,
    pub(super) text: String,
}

/// Feeds the chunks and ends the stream, as a driver of the translator does.
pub(super) fn stream_of(context: ResponseContext, chunks: &[impl AsRef<str>]) -> Stream {
    let (mut translator, mut out) = (translator(context), Vec::new());
    for chunk in chunks {
        if let Err(fault) = translator.chunk(chunk.as_ref().as_bytes(), &mut out) {
            translator.fail(&Failure::from(&fault), &mut out);
        }
    }
    translator.finish(NOW + 1, &mut out);
    read(&out)
}

pub(super) fn stream(chunks: &[impl AsRef<str>]) -> Stream {
    stream_of(context(), chunks)
}

/// Wraps a delta and a finish reason.
pub(super) fn chunk(delta: &Value, finish: &Value) -> String {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    json!({"id": "c", "object": "chat.completion.chunk", "choices": [choice]}).to_string()
}

/// A stream of these deltas with this finish reason.
pub(super) fn deltas(deltas: &[Value], finish: &str) -> Stream {
    let mut chunks: Vec<_> = deltas.iter().map(|delta| chunk(delta, &Value::Null)).collect();
    chunks.push(chunk(&json!({}), &json!(finish)));
    stream(&chunks)
}

pub(super) fn whole_of(context: ResponseContext, body: &Value) -> Result<Value, Fault> {
    let body = body.to_string();
    let response =
        translate_response(body.as_bytes(), &Arc::new(context), Ids::seeded(7), NOW, sealing())?;
    Ok(serde_json::from_slice(&response).unwrap())
}

/// The response to a whole answer of this message.
pub(super) fn message(message: &Value, finish: &str) -> Value {
    let choice = json!({"index": 0, "message": message, "finish_reason": finish});
    whole_of(context(), &json!({"choices": [choice]})).unwrap()
}

/// Reads the bytes of a stream, which must be grammatical.
pub(super) fn read(out: &[u8]) -> Stream {
    let stream = read_some(out);
    assert_eq!(stream.text.matches("data: [DONE]\n\n").count(), 1);
    assert!(stream.text.ends_with("data: [DONE]\n\n"));
    check(&stream.events);
    stream
}

/// Reads the bytes of a stream that goes on.
pub(super) fn read_some(out: &[u8]) -> Stream {
    let mut events = Vec::new();
    let mut framer = Framer::new(usize::MAX);
    let whole = framer.feed(out, |event| {
        if event.data != b"[DONE]" {
            let value: Value = serde_json::from_slice(event.data).unwrap();
            assert_eq!(value["type"].as_str().unwrap().as_bytes(), event.name);
            events.push(value);
        }
    });
    assert_eq!(whole.unwrap(), out.len());
    Stream { events, text: String::from_utf8(out.to_vec()).unwrap() }
}

impl Stream {
    /// The response of the terminal event.
    pub(super) fn response(&self) -> &Value {
        &self.events.last().unwrap()["response"]
    }

    pub(super) fn output(&self) -> Value {
        without_ids(self.response()["output"].clone())
    }

    pub(super) fn types(&self) -> Vec<&str> {
        let types = self.events.iter().map(|event| event["type"].as_str().unwrap());
        types.map(|kind| kind.strip_prefix("response.").unwrap()).collect()
    }

    /// The deltas of this type.
    pub(super) fn deltas(&self, kind: &str) -> Vec<&str> {
        let of_kind = self.events.iter().filter(|event| event["type"] == kind);
        of_kind.map(|event| event["delta"].as_str().unwrap()).collect()
    }
}

/// The items without their own ids, and without call ids that were made up.
pub(super) fn without_ids(mut output: Value) -> Value {
    for item in output.as_array_mut().unwrap() {
        let item = item.as_object_mut().unwrap();
        let id = item.remove("id").unwrap();
        let prefix = match item["type"].as_str().unwrap() {
            "reasoning" => "rs_",
            "message" => "msg_",
            "function_call" => "fc_",
            "custom_tool_call" => "ctc_",
            "local_shell_call" => "lsh_",
            "tool_search_call" => "tsc_",
            other => panic!("an item of type {other}"),
        };
        assert_eq!(id.as_str().unwrap().strip_prefix(prefix).unwrap().len(), 32);
        if let Some(made_up) = item.get_mut("call_id").filter(|id| {
            id.as_str().unwrap().strip_prefix("call_").is_some_and(|digits| digits.len() == 32)
        }) {
            *made_up = "made up".into();
        }
    }
    output
}

/// An item, assembled from its events.
struct Translated {
    id: Value,
    kind: String,
    /// The open part: its type and its text.
    part: Option<(String, String)>,
    parts: usize,
    texts: Vec<String>,
    done: Option<Value>,
}

/// Panics when these are not the events of one whole stream.
pub(super) fn check(events: &[Value]) {
    let mut items = BTreeMap::<u64, Translated>::new();
    let id = &events[0]["response"]["id"];
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], at, "{event}");
        let kind = event["type"].as_str().unwrap().strip_prefix("response.").unwrap();
        if let Some(response) = event.get("response") {
            assert_eq!(response["id"], *id);
            let status = match kind {
                "created" => (0, "in_progress"),
                "in_progress" => (1, "in_progress"),
                terminal => (events.len() - 1, terminal),
            };
            assert_eq!((at, response["status"].as_str().unwrap()), status);
            continue;
        }
        assert!(at > 1 && at + 1 < events.len(), "{event}");
        let index = event["output_index"].as_u64().unwrap();
        if kind == "output_item.added" {
            let item = &event["item"];
            assert_eq!(item["status"], "in_progress");
            assert_eq!(index, items.len() as u64, "{event}");
            let is_single = |kind: &str| matches!(kind, "message" | "reasoning");
            let open = items.values().any(|told| told.done.is_none() && is_single(&told.kind));
            assert!(!open, "beside an open item: {event}");
            let (kind, parts) = (item["type"].as_str().unwrap().to_owned(), 0);
            let (part, texts) = (None, Vec::new());
            let id = item["id"].clone();
            items.insert(index, Translated { id, kind, part, parts, texts, done: None });
            continue;
        }
        let told = items.get_mut(&index).expect("an item that was added");
        assert!(told.done.is_none(), "after its end: {event}");
        told.hear(kind, event);
    }
    let last = events.last().unwrap();
    let is_failed = last["type"] == "response.failed";
    let is_incomplete = last["type"] == "response.incomplete";
    let count = items.len();
    let done: Vec<_> = items.into_values().map(|told| told.done).collect();
    assert!(is_failed || done.iter().all(Option::is_some), "an item stays open");
    for (at, item) in done.iter().enumerate() {
        let status = item.as_ref().map(|item| item["status"].as_str().unwrap());
        let may_be_cut = is_incomplete && at + 1 == count;
        assert!(status.is_none_or(|status| status == "completed" || may_be_cut));
    }
    let done: Vec<_> = done.into_iter().flatten().collect();
    assert_eq!(last["response"]["output"], Value::from(done));
    assert_eq!(last["response"]["error"].is_null(), !is_failed);
    assert_eq!(last["response"]["incomplete_details"].is_null(), !is_incomplete);
}

impl Translated {
    fn hear(&mut self, kind: &str, event: &Value) {
        if kind == "output_item.done" {
            let item = &event["item"];
            assert_eq!(item["id"], self.id);
            assert_eq!(item["type"], *self.kind);
            self.check_texts(item);
            self.done = Some(item.clone());
            return;
        }
        assert_eq!(event["item_id"], self.id);
        let index = match &*self.kind {
            "message" => Some("content_index"),
            "reasoning" => Some("summary_index"),
            _ => None,
        };
        if kind.ends_with("part.added") {
            assert!(self.part.is_none());
            self.part = Some((event["part"]["type"].as_str().unwrap().to_owned(), String::new()));
            assert_eq!(event[index.unwrap()], self.parts);
            self.parts += 1;
            return;
        }
        assert!(index.is_none_or(|index| event[index] == self.parts - 1), "{event}");
        if kind.ends_with("part.done") {
            let (kind, text) = self.part.take().unwrap();
            assert_eq!(event["part"]["type"], *kind);
            let field = if kind == "refusal" { "refusal" } else { "text" };
            assert_eq!(event["part"][field], *text);
            self.texts.push(text);
            return;
        }
        let (prefix, field) = match (&*self.kind, &self.part) {
            ("reasoning", Some(_)) => ("reasoning_summary_text", "text"),
            ("message", Some((part, _))) if part == "refusal" => ("refusal", "refusal"),
            ("message", Some(_)) => ("output_text", "text"),
            ("function_call", _) => ("function_call_arguments", "arguments"),
            ("custom_tool_call", _) => ("custom_tool_call_input", "input"),
            _ => panic!("{event}"),
        };
        let text = &mut self.part.get_or_insert_default().1;
        match kind.strip_prefix(prefix) {
            Some(".delta") => {
                let delta = event["delta"].as_str().unwrap();
                assert!(!delta.is_empty(), "an empty delta");
                text.push_str(delta);
            }
            Some(".done") => {
                assert_eq!(event[field], **text);
                if index.is_none() {
                    self.texts.extend(self.part.take().map(|(_, text)| text));
                }
            }
            _ => panic!("{event}"),
        }
    }

    /// The item says what the deltas said.
    fn check_texts(&self, item: &Value) {
        assert!(self.part.is_none(), "a part stays open");
        let texts: Vec<_> = match &*self.kind {
            "reasoning" => item["summary"].as_array().unwrap().iter().map(|p| &p["text"]).collect(),
            "message" => {
                let parts = item["content"].as_array().unwrap().iter();
                parts.map(|part| part.get("text").unwrap_or(&part["refusal"])).collect()
            }
            "function_call" => vec![&item["arguments"]],
            "custom_tool_call" => vec![&item["input"]],
            _ => vec![],
        };
        assert_eq!(texts, self.texts.iter().collect::<Vec<_>>());
    }
}
