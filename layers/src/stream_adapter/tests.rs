use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use proptest::prelude::*;
use serde_json::{Value, json};
use static_assertions::assert_impl_all;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::{BoxError, Buffered, contract, request::Streamed};

assert_impl_all!(StreamAdapterLayer: Send, Sync, Clone);
assert_impl_all!(StreamAdapter<()>: Send, Sync, Clone);
assert_impl_all!(AdaptedBody<Full<Bytes>>: Send);

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";

/// What came through: the label, the length of the head, and the bytes or `None` for a body that
/// broke.
#[derive(Debug, PartialEq)]
struct Seen {
    label: String,
    length: Option<String>,
    body: Option<String>,
}

fn adapt(path: &str, streamed: bool, label: &str, chunks: &[&[u8]]) -> Seen {
    let chunks: Vec<_> = chunks.iter().map(|&chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    adapt_frames(path, streamed, label, chunks)
}

fn adapt_frames(
    path: &str,
    streamed: bool,
    label: &str,
    chunks: Vec<Result<Bytes, BoxError>>,
) -> Seen {
    let size: usize = chunks.iter().flatten().map(Bytes::len).sum();
    let frames = stream::iter(chunks.into_iter().map(|chunk| chunk.map(Frame::data)));
    let mut response = Response::builder().header("content-length", size);
    if !label.is_empty() {
        response = response.header("content-type", label);
    }
    let mut response = Some(response.body(StreamBody::new(frames)).unwrap());
    let upstream = service_fn(move |_: Request<()>| {
        let response = response.take().unwrap();
        async { Ok::<_, Infallible>(response) }
    });
    let request = Request::post(path).extension(Streamed(streamed)).body(()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let service = StreamAdapterLayer::new().cap(1 << 16).layer(upstream);
        let (head, body) = service.oneshot(request).await.unwrap().into_parts();
        let header = |name| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let exact = body.size_hint().exact();
        let body = body.collect().await.ok();
        let body = body.map(|body| String::from_utf8(body.to_bytes().into()).unwrap());
        let length = header("content-length");
        if let (Some(length), Some(body)) = (&length, &body) {
            assert_eq!(length.parse().ok(), Some(body.len()), "the length is that of the body");
        }
        if let (Some(exact), Some(body)) = (exact, &body) {
            assert_eq!(exact, body.len() as u64);
        }
        Seen { label: header("content-type").unwrap_or_default(), length, body }
    })
}

fn chunk(delta: &Value, finish: Option<&str>) -> String {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "choices": [choice]});
    format!("data: {chunk}\n\n")
}

fn hello() -> String {
    let pieces = [
        chunk(&json!({"role": "assistant", "content": ""}), None),
        chunk(&json!({"content": "Hel"}), None),
        chunk(&json!({"content": "lo"}), None),
        chunk(&json!({}), Some("stop")),
        "data: [DONE]\n\n".into(),
    ];
    pieces.concat()
}

fn completion() -> Value {
    let message = json!({"role": "assistant", "content": "Hello"});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    json!({"id": "c", "object": "chat.completion", "choices": [choice], "usage": {"prompt_tokens": 7}})
}

#[tokio::test]
async fn it_is_a_layer_like_the_others() {
    contract::holds(StreamAdapterLayer::new(), || Request::new(Buffered::from("{}"))).await;
}

#[test]
fn what_has_the_form_that_was_asked_for_passes() {
    for (streamed, label, body) in [
        (true, "text/event-stream", hello()),
        (false, "application/json", completion().to_string()),
        (false, "", completion().to_string()),
        (true, "text/event-stream", String::new()),
        (false, "application/json", String::new()),
        (true, "text/html", "<html>maintenance</html>".into()),
        (false, "text/html", "<html>maintenance</html>".into()),
        (false, "text/plain", "dat".into()),
        (true, "application/json", r#"{"error":{"message":"no"}}"#.into()),
        (true, "application/json", r#"{"choices":[]}"#.into()),
    ] {
        let seen = adapt(CHAT, streamed, label, &[body.as_bytes()]);
        assert_eq!((&*seen.label, seen.body), (label, Some(body)));
    }
}

#[test]
fn a_stream_is_known_by_its_first_bytes() {
    for label in ["text/plain; charset=utf-8", "", "application/octet-stream", "application/json"] {
        for start in ["", "\n\n", ": PROCESSING\n\n", "\u{feff}"] {
            let text = [start, &hello()].concat();
            for cut in [0, 1, 3, 7, text.len()] {
                let (first, rest) = text.as_bytes().split_at(cut);
                let seen = adapt(CHAT, true, label, &[first, b"", rest]);
                assert_eq!((&*seen.label, seen.length), ("text/event-stream", None), "{label}");
                assert_eq!(seen.body.as_ref(), Some(&text), "{label} {cut}");
            }
        }
    }
}

#[test]
fn json_is_known_by_its_first_bytes() {
    let text = completion().to_string();
    let seen = adapt(CHAT, false, "text/event-stream", &[text.as_bytes()]);
    assert_eq!((&*seen.label, seen.body), ("application/json", Some(text)));
}

#[test]
fn events_become_json_for_a_plain_request() {
    for label in ["text/event-stream", "application/json", ""] {
        for text in [hello(), format!(": hi\n\ndata: ping\n\n{}", hello())] {
            let (first, rest) = text.as_bytes().split_at(20);
            let seen = adapt(CHAT, false, label, &[first, rest]);
            assert_eq!(seen.label, "application/json");
            let json: Value = serde_json::from_str(&seen.body.unwrap()).unwrap();
            let mut expected = completion();
            expected.as_object_mut().unwrap().remove("usage");
            assert_eq!(json, expected);
        }
    }
}

#[test]
fn all_that_a_stream_says_is_in_the_json() {
    let call = |index: u32, id: &str, name: &str, arguments: &str| {
        let function = json!({"name": name, "arguments": arguments});
        json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]})
    };
    let other =
        json!({"choices": [{"index": 1, "delta": {"content": "B"}, "finish_reason": "length"}]});
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}});
    let zeros = json!({"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}});
    let text = [
        chunk(&json!({"role": "assistant", "reasoning_content": "I ", "x": 1}), None),
        chunk(&json!({"reasoning_content": "look."}), None),
        chunk(&call(0, "a", "f", "{\"q\""), None),
        chunk(&call(0, "", "", ":1}"), None),
        chunk(&call(1, "b", "g", "{}"), None),
        format!("data: {other}\n\n"),
        chunk(&json!({}), Some("tool_calls")),
        format!("data: {usage}\n\ndata: {zeros}\n\n"),
    ];
    let seen = adapt(CHAT, false, "text/event-stream", &[text.concat().as_bytes()]);
    let json: Value = serde_json::from_str(&seen.body.unwrap()).unwrap();
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    assert_eq!(
        json,
        json!({
            "id": "c",
            "object": "chat.completion",
            "usage": {"prompt_tokens": 3, "completion_tokens": 2},
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "tool_calls",
                    "message": {
                        "role": "assistant",
                        "content": null,
                        "reasoning_content": "I look.",
                        "x": 1,
                        "tool_calls": [call("a", "f", "{\"q\":1}"), call("b", "g", "{}")],
                    },
                },
                {
                    "index": 1,
                    "finish_reason": "length",
                    "message": {"role": "assistant", "content": "B"},
                },
            ],
        })
    );
}

#[test]
fn a_stream_that_breaks_is_no_json() {
    let error = "data: {\"error\":{\"message\":\"died\"}}\n\n";
    let with_error = [&chunk(&json!({"content": "Hel"}), None), error].concat();
    let seen = adapt(CHAT, false, "text/event-stream", &[with_error.as_bytes()]);
    assert_eq!(seen.body.as_deref(), Some(r#"{"error":{"message":"died"}}"#));
    for unfinished in [chunk(&json!({"content": "Hel"}), None), "data: [DONE]\n\n".into()] {
        for path in [CHAT, RESPONSES] {
            let seen = adapt(path, false, "text/event-stream", &[unfinished.as_bytes()]);
            assert_eq!(seen.body, None, "{unfinished}");
        }
    }

    let malformed = [&chunk(&json!({"content": "Hel"}), None), "data: {\"choi\n\n"].concat();
    assert_eq!(adapt(CHAT, false, "text/event-stream", &[malformed.as_bytes()]).body, None);

    let chunks = vec![Ok(Bytes::from(hello())), Err("reset".into())];
    assert_eq!(adapt_frames(CHAT, false, "text/event-stream", chunks).body, None);

    let large = vec![Ok(Bytes::from(hello())), Ok(Bytes::from(vec![b'\n'; 1 << 16]))];
    assert_eq!(adapt_frames(CHAT, false, "text/event-stream", large).body, None);
}

/// The data of each event.
fn data(text: &str) -> Vec<Value> {
    let events = text.split_terminator("\n\n").map(|event| {
        let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        serde_json::from_str(data).unwrap_or(Value::Null)
    });
    events.collect()
}

#[test]
fn json_becomes_events_for_a_streamed_request() {
    for label in ["application/json", "text/event-stream", ""] {
        let function = json!({"name": "f", "arguments": "{}"});
        let mut answer = completion();
        answer["choices"][0]["message"]["tool_calls"] =
            json!([{"id": "a", "type": "function", "function": function}]);
        let text = serde_json::to_string_pretty(&answer).unwrap();
        let (first, rest) = text.as_bytes().split_at(5);
        let seen = adapt(CHAT, true, label, &[first, rest]);
        assert_eq!(seen.label, "text/event-stream");
        let text = seen.body.unwrap();
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
        let events = data(&text);
        assert_eq!(events.len(), 3);
        let delta = &events[0]["choices"][0]["delta"];
        assert_eq!(delta["content"], "Hello");
        assert_eq!(
            (&delta["tool_calls"][0]["index"], &delta["tool_calls"][0]["id"]),
            (&json!(0), &json!("a"))
        );
        assert_eq!(events[0]["object"], "chat.completion.chunk");
        assert_eq!(events[0]["usage"], Value::Null);
        assert_eq!(events[1]["choices"][0]["finish_reason"], "stop");
        assert_eq!(events[1]["usage"]["prompt_tokens"], 7);
    }
}

#[test]
fn an_error_under_the_label_of_a_stream_is_an_event() {
    let error = "{\n \"error\": {\"message\": \"died\"}\n}";
    let seen = adapt(CHAT, true, "text/event-stream", &[error.as_bytes()]);
    assert_eq!(seen.body.as_deref(), Some("data: {\"error\":{\"message\":\"died\"}}\n\n"));
}

fn response() -> Value {
    let text = json!({"type": "output_text", "text": "Hello", "annotations": []});
    json!({
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "usage": {"input_tokens": 1},
        "output": [
            {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [text]},
            {"type": "function_call", "id": "fc_1", "status": "completed", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call", "id": "ct_1", "call_id": "d", "name": "g", "input": "x"},
            {"type": "reasoning", "id": "rs_1", "summary": []},
        ],
    })
}

#[test]
fn responses_are_converted_both_ways() {
    let seen = adapt(RESPONSES, true, "application/json", &[response().to_string().as_bytes()]);
    assert_eq!(seen.label, "text/event-stream");
    let text = seen.body.unwrap();
    let events = data(&text);
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[..2], ["response.created", "response.in_progress"]);
    assert_eq!(kinds.iter().filter(|kind| **kind == "response.output_item.done").count(), 4);
    let deltas = events.iter().filter(|event| event["type"].as_str().unwrap().ends_with(".delta"));
    let deltas: Vec<_> = deltas.map(|event| event["delta"].as_str().unwrap()).collect();
    assert_eq!(deltas, ["Hello", "{}", "x"]);
    assert_eq!(events.last().unwrap()["response"], response());

    let seen = adapt(RESPONSES, false, "text/event-stream", &[text.as_bytes()]);
    let back: Value = serde_json::from_str(&seen.body.unwrap()).unwrap();
    assert_eq!((seen.label.as_str(), back), ("application/json", response()));
}

proptest! {
    /// Heartbeats, comments, odd ends and any split of the bytes change nothing.
    #[test]
    fn what_is_no_chunk_changes_nothing(
        noise in prop::collection::vec((0..6usize, 0..5usize), 0..6),
        cuts in prop::collection::vec(0..2000usize, 0..6),
        streamed: bool,
    ) {
        const NOISE: [&str; 6] =
            [": hi\n\n", "data:\n\n", "data: ping\n\n", "data: null\n\n", ": a\n", "event: ping\ndata: [1]\n\n"];
        let hello = hello();
        let mut events: Vec<&str> = hello.split_inclusive("\n\n").collect();
        for (which, at) in noise {
            events.insert(at.min(events.len()), NOISE[which]);
        }
        let text = events.concat();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut start = 0;
        for cut in cuts.into_iter().chain([text.len()]) {
            chunks.push(&text.as_bytes()[start..cut]);
            start = cut;
        }
        let seen = adapt(CHAT, streamed, "", &chunks);
        if streamed {
            prop_assert_eq!(seen.body, Some(text));
        } else {
            let json: Value = serde_json::from_str(&seen.body.unwrap()).unwrap();
            prop_assert_eq!(&json["choices"][0]["message"]["content"], "Hello");
            prop_assert_eq!(&json["choices"][0]["finish_reason"], "stop");
        }
    }
}
