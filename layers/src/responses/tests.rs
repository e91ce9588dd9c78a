use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use parking_lot::Mutex;
use proptest::prelude::*;
use serde_json::{Value, json};
use static_assertions::assert_impl_all;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::{BoxError, Buffered, Dialect, Rejection, Target, classify::Attempts, contract};

assert_impl_all!(ResponsesLayer: Send, Sync, Clone);
assert_impl_all!(Responses<()>: Send, Sync, Clone);
assert_impl_all!(ResponsesBody<Full<Bytes>>: Send);

type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

fn answer(status: u16, content_type: &str, frames: Vec<Result<Bytes, BoxError>>) -> Answer {
    let frames = stream::iter(frames.into_iter().map(|frame| frame.map(Frame::data)));
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("content-length", "3")
        .body(BodyExt::boxed_unsync(StreamBody::new(frames)))
        .unwrap()
}

fn json_answer(status: u16, body: &Value) -> Answer {
    answer(status, "application/json", vec![Ok(body.to_string().into())])
}

fn completion() -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "model": "m-1",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "Hi"}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    })
}

const CHUNKS: [&str; 3] = [
    "data: {\"model\":\"m-1\",\"choices\":[{\"delta\":{\"content\":\"H\"}}]}\n\n",
    "data: {\"model\":\"m-1\",\"choices\":[{\"delta\":{\"content\":\"\u{65e5}\"}}]}\r\n\r\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
];

fn events_answer(frames: Vec<Result<Bytes, BoxError>>) -> Answer {
    answer(200, "text/event-stream", frames)
}

type Broken = fn() -> Result<Bytes, BoxError>;

/// What the inner service was sent.
type Sent = Arc<Mutex<Vec<(String, Value)>>>;

async fn send_to(
    layer: &ResponsesLayer,
    request: Request<Buffered>,
    script: impl Fn(usize) -> Answer + Clone + Send + 'static,
) -> (StatusCode, http::response::Parts, String, Vec<(String, Value)>) {
    let sent = Sent::default();
    let log = sent.clone();
    let service = service_fn(move |request: Request<Buffered>| {
        let body = request.body().to_bytes();
        if let Some(length) = request.headers().get("content-length") {
            assert_eq!(length, &body.len().to_string());
        }
        let nth = log.lock().len();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        log.lock().push((request.uri().to_string(), body));
        let answer = script(nth);
        async { Ok::<_, Infallible>(answer) }
    });
    let response = layer.layer(service).oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let sent = sent.lock().clone();
    (head.status, head, String::from_utf8(body.to_vec()).unwrap(), sent)
}

fn ask(body: &Value) -> Request<Buffered> {
    let body = body.to_string();
    Request::post("/v1/responses").header("content-length", body.len()).body(body.into()).unwrap()
}

fn target(dialect: Dialect) -> Target {
    Target { provider: "p".into(), model: "m".into(), dialect }
}

fn names(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("event: ")).collect()
}

#[tokio::test]
async fn contract() {
    let passing = || Request::post("/v1/chat/completions").body(Buffered::default()).unwrap();
    contract::holds(ResponsesLayer::new(), passing).await;
}

#[tokio::test]
async fn a_plain_answer_is_translated_both_ways() {
    let request = ask(&json!({"model": "m", "input": "Hello"}));
    let layer = ResponsesLayer::new();
    let (status, head, body, sent) =
        send_to(&layer, request, |_| json_answer(200, &completion())).await;
    assert_eq!(sent[0].0, "/v1/chat/completions");
    assert_eq!(sent[0].1["messages"], json!([{"role": "user", "content": "Hello"}]));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status.as_u16(), &body["object"]), (200, &json!("response")));
    assert_eq!(body["output"][0]["content"][0]["text"], "Hi");
    assert_eq!(body["usage"]["total_tokens"], 5);
    assert!(!head.headers.contains_key("content-length"), "it was the other body's");
}

#[tokio::test]
async fn a_stream_is_translated() {
    let request = ask(&json!({"model": "m", "input": "Hello", "stream": true}));
    let frames = || CHUNKS.map(|chunk| Ok(Bytes::from(chunk))).into();
    let (_, head, body, sent) =
        send_to(&ResponsesLayer::new(), request, move |_| events_answer(frames())).await;
    assert_eq!(sent[0].1["stream_options"]["include_usage"], true);
    assert_eq!(head.headers["content-type"], "text/event-stream");
    assert!(!head.headers.contains_key("content-length"));
    let names = names(&body);
    assert_eq!((names[0], *names.last().unwrap()), ("response.created", "response.completed"));
    assert!(body.ends_with("data: [DONE]\n\n"));
    assert!(body.contains("H\u{65e5}"));
}

#[tokio::test]
async fn what_is_not_ours_passes() {
    for (method, path) in [
        ("POST", "/v1/chat/completions"),
        ("GET", "/v1/responses"),
        ("GET", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/compact"),
    ] {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Buffered::from("not even JSON")).unwrap();
        let (status, head, body, sent) = send_to(&ResponsesLayer::new(), request, |_| {
            answer(418, "text/html", vec![Ok("<as it came>".into())])
        })
        .await;
        assert_eq!((status.as_u16(), &*body, &*sent[0].0), (418, "<as it came>", path));
        assert_eq!(head.headers["content-length"], "3");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_translated_names_the_field() {
    let request = ask(&json!({"model": "m", "input": [{"role": "nobody", "content": "x"}]}));
    let (status, _, body, sent) =
        send_to(&ResponsesLayer::new(), request, |_| unreachable!("it is not sent")).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status.as_u16(), sent.len()), (400, 0));
    assert_eq!(body["error"]["code"], "INVALID_REQUEST");
    assert_eq!(body["error"]["param"], "input[0].role");

    let tight = ResponsesLayer::new().cap(60);
    let long = || answer(200, "application/json", vec![Ok("x".repeat(61).into())]);
    let request = Request::post("/v1/responses").body(Buffered::from(r#"{"input":"a"}"#)).unwrap();
    let (status, _, body, _) = send_to(&tight, request, move |_| long()).await;
    assert!(status == 502 && body.contains("60 bytes"), "{status} {body}");
    let request = ask(&json!({"model": "m", "input": "a long one"}));
    let small = ResponsesLayer::new().cap(10);
    let (status, ..) = send_to(&small, request, |_| unreachable!("it is not sent")).await;
    assert_eq!(status.as_u16(), 413);
}

#[tokio::test]
async fn errors_keep_what_they_said_in_the_envelope() {
    let ask = || ask(&json!({"model": "m", "input": "Hello", "stream": true}));
    let error = json!({"error": {"message": "slow", "code": "rate_limit_exceeded", "x": 1}});
    let limited = move |_| {
        let mut answer = json_answer(429, &error);
        answer.headers_mut().insert("retry-after", 7.into());
        answer
    };
    let (status, head, body, _) = send_to(&ResponsesLayer::new(), ask(), limited).await;
    assert_eq!((status.as_u16(), &head.headers["retry-after"]), (429, &"7".parse().unwrap()));
    assert!(body.contains(r#""x":1"#), "as it came: {body}");

    let html = |_| answer(502, "text/html", vec![Ok("<html>".into()), Err("cut".into())]);
    let (status, head, body, _) = send_to(&ResponsesLayer::new(), ask(), html).await;
    assert_eq!(
        (status.as_u16(), &head.headers["content-type"]),
        (502, &"application/json".parse().unwrap())
    );
    assert!(body.contains("the provider answered 502"), "{body}");

    let refused = |_| json_answer(401, &json!({"error": {"message": "bad key sk-1"}}));
    let (status, _, body, _) = send_to(&ResponsesLayer::new(), ask(), refused).await;
    assert_eq!(status.as_u16(), 502, "the client's key is not the one that was refused");
    assert!(!body.contains("sk-1"));
    let mut routed = ask();
    routed.extensions_mut().insert(target(Dialect::Chat));
    let (status, ..) = send_to(&ResponsesLayer::new(), routed, refused).await;
    assert_eq!(status.as_u16(), 401, "the router has to know");
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_502() {
    let plain = json!({"model": "m", "input": "Hello"});
    let stream = json!({"model": "m", "input": "Hello", "stream": true});
    for (request, script) in [
        (&plain, (|| answer(200, "text/html", vec![Ok("<html>".into())])) as fn() -> Answer),
        (&plain, || json_answer(200, &json!({"error": {"message": "no"}}))),
        (&plain, || answer(200, "application/json", vec![Ok("{".into()), Err("cut".into())])),
        (&plain, || events_answer(vec![Ok(CHUNKS.concat().into())])),
        (&stream, || json_answer(200, &completion())),
    ] {
        let (status, _, body, _) =
            send_to(&ResponsesLayer::new(), ask(request), move |_| script()).await;
        assert_eq!(status.as_u16(), 502, "{body}");
        assert!(body.contains("PROVIDER_ERROR"), "{body}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_ends_in_response_failed() {
    let cases: [(Broken, &str); 5] = [
        (|| Err("connection reset".into()), "connection reset"),
        (|| Ok(Bytes::new()), "without a finish reason"),
        (
            || Ok("data: {\"error\":{\"code\":\"overloaded\",\"message\":\"busy\"}}\n\n".into()),
            "busy",
        ),
        (|| Ok("event: error\ndata: {\"message\":\"busy\"}\n\n".into()), "busy"),
        (|| Ok("data: {\"choi\n\n".into()), "not JSON"),
    ];
    for (broken, says) in cases {
        let request = ask(&json!({"model": "m", "input": "Hello", "stream": true}));
        let script = move |_| {
            let mut frames = vec![Ok(CHUNKS[0].into()), broken()];
            // What comes behind an error is not read; what comes behind nothing is the end.
            if !frames[1].as_ref().is_ok_and(Bytes::is_empty) {
                frames.push(Ok(CHUNKS[2].into()));
            }
            events_answer(frames)
        };
        let (status, _, body, _) = send_to(&ResponsesLayer::new(), request, script).await;
        assert_eq!(status.as_u16(), 200);
        assert_eq!(*names(&body).last().unwrap(), "response.failed", "{body}");
        assert!(body.ends_with("data: [DONE]\n\n") && body.contains(says), "{says}: {body}");
        assert!(!body.contains("response.completed"));
    }
}

#[tokio::test]
async fn the_words_of_an_inner_layer_pass() {
    let request = ask(&json!({"model": "m", "input": "Hello"}));
    let (status, head, ..) = send_to(&ResponsesLayer::new(), request, |_| {
        let rejection =
            Rejection::new(crate::Code::RateLimited, "no").into_response::<Full<Bytes>>();
        rejection.map(|body| body.map_err(|never| match never {}).boxed_unsync())
    })
    .await;
    assert_eq!(status.as_u16(), 429);
    assert!(head.extensions.get::<crate::Rejected>().is_some());
}

/// The text of a stream with these pauses before its chunks, in seconds; before each piece, when it
/// came.
async fn paused(pauses: [u64; 3], keep_alive: u64) -> Vec<(u64, String)> {
    let service = service_fn(move |_: Request<Buffered>| async move {
        let frames = stream::unfold(0, move |at| async move {
            tokio::time::sleep(Duration::from_secs(*pauses.get(at)?)).await;
            Some((Ok::<_, BoxError>(Frame::data(Bytes::from(CHUNKS[at]))), at + 1))
        });
        let answer = Response::builder().header("content-type", "text/event-stream");
        Ok::<_, Infallible>(answer.body(StreamBody::new(Box::pin(frames))).unwrap())
    });
    let layer = ResponsesLayer::new().keep_alive(Duration::from_secs(keep_alive));
    let request = ask(&json!({"model": "m", "input": "Hello", "stream": true}));
    let started = tokio::time::Instant::now();
    let response = layer.layer(service).oneshot(request).await.unwrap();
    let mut body = std::pin::pin!(response.into_body());
    let mut seen = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        seen.push((started.elapsed().as_secs(), String::from_utf8(data.to_vec()).unwrap()));
    }
    seen
}

/// The numbers of all events, which have no gaps.
fn numbered(text: &str) -> usize {
    let events = text.lines().filter_map(|line| line.strip_prefix("data: {"));
    let numbers = events.map(|data| {
        let data: Value = serde_json::from_str(&format!("{{{data}")).unwrap();
        data["sequence_number"].as_u64().unwrap()
    });
    let numbers: Vec<_> = numbers.collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "{text}");
    numbers.len()
}

#[tokio::test(start_paused = true)]
async fn silence_is_filled_with_comments_and_events() {
    let seen = paused([0, 70, 10], 15).await;
    let beats: Vec<_> =
        seen.iter().filter(|(_, text)| text.starts_with(": keep-alive\n")).collect();
    assert_eq!(beats.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [15, 30, 45, 60]);
    for (_, beat) in beats {
        assert!(beat.starts_with(": keep-alive\nevent: response.in_progress\ndata: {"), "{beat}");
        assert_eq!(beat.matches("\n\n").count(), 1, "{beat}");
    }
    let text: String = seen.iter().map(|(_, text)| &**text).collect();
    assert_eq!(names(&text).iter().filter(|name| **name == "response.in_progress").count(), 5);
    numbered(&text);
    assert!(text.contains("response.completed") && text.ends_with("data: [DONE]\n\n"));
    assert!(!text.contains("\n\n\n") && !text.starts_with('\n'), "an empty event: {text}");
}

#[tokio::test(start_paused = true)]
async fn an_event_comes_at_least_every_30_s_whatever_is_set() {
    for (keep_alive, comments, events) in
        [(1, 99, 6), (10, 9, 4), (15, 6, 6), (20, 4, 4), (29, 3, 3), (1000, 3, 3)]
    {
        let seen = paused([0, 100, 0], keep_alive).await;
        let count = |what: &str| seen.iter().filter(|(_, text)| text.contains(what)).count();
        assert_eq!(count(": keep-alive\n"), comments, "{keep_alive} s");
        // One is at the beginning.
        assert_eq!(count("event: response.in_progress\n"), events + 1, "{keep_alive} s");
        let events = seen.iter().filter(|(_, text)| text.contains("event: "));
        let times: Vec<_> = events.map(|(at, _)| *at).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 30), "{times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_begins_before_its_provider_speaks() {
    let seen = paused([40, 0, 0], 15).await;
    assert_eq!(names(&seen[0].1), ["response.created", "response.in_progress"]);
    assert_eq!((seen[0].0, seen[1].0, names(&seen[1].1)), (15, 30, vec!["response.in_progress"]));
    let text: String = seen.iter().map(|(_, text)| &**text).collect();
    assert_eq!(text.matches("event: response.created").count(), 1);
    numbered(&text);
    assert!(text.contains("response.completed"));
}

mod sealed_reasoning {
    use super::*;

    fn request(seal: &AeadSeal) -> (Value, Value) {
        let foreign = json!({"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"});
        let ours = json!({"type": "reasoning", "encrypted_content": seal.seal("local", "hm")});
        let message = json!({"role": "user", "content": "Hi"});
        let of = |items: &[&Value]| json!({"model": "m", "x": 1.0, "input": items});
        (of(&[&ours, &foreign, &message, &ours]), of(&[&foreign, &message]))
    }

    fn ask_native(body: &Value) -> Request<Buffered> {
        let mut request = ask(body);
        request.extensions_mut().insert(target(Dialect::Responses));
        request
    }

    #[tokio::test]
    async fn only_our_sealed_reasoning_leaves() {
        let seal = Arc::new(AeadSeal::random());
        let (whole, stripped) = request(&seal);
        let layer = ResponsesLayer::new().seal(seal);
        let (status, head, body, sent) = send_to(&layer, ask_native(&whole), |_| {
            answer(200, "text/event-stream", vec![Ok("data: as it came\n\n".into())])
        })
        .await;
        assert_eq!((status.as_u16(), &*body), (200, "data: as it came\n\n"));
        assert_eq!(sent, [("/v1/responses".to_owned(), stripped)]);
        assert_eq!(head.headers["content-length"], "3");
    }

    #[tokio::test]
    async fn reasoning_that_the_provider_cannot_open_is_left_out_once() {
        let seal = Arc::new(AeadSeal::random());
        let (whole, _) = request(&seal);
        let layer = ResponsesLayer::new().seal(seal);
        let unknown = || json!({"error": {"code": "invalid_encrypted_content", "message": "?"}});
        let script = move |nth| match nth {
            0 => {
                let mut answer = json_answer(400, &unknown());
                answer.extensions_mut().insert(Attempts(2));
                answer
            }
            _ => json_answer(200, &json!({"object": "response"})),
        };
        let (status, head, _, sent) = send_to(&layer, ask_native(&whole), script).await;
        assert_eq!((status.as_u16(), sent.len()), (200, 2));
        assert_eq!(sent[1].1["input"], json!([{"role": "user", "content": "Hi"}]));
        assert_eq!(head.extensions.get(), Some(&Attempts(3)));

        let always = move |_| json_answer(400, &unknown());
        let (status, _, body, sent) = send_to(&layer, ask_native(&whole), always).await;
        assert_eq!((status.as_u16(), sent.len()), (400, 2));
        assert!(body.contains("invalid_encrypted_content"));

        let other = |_| json_answer(400, &json!({"error": {"code": "other"}}));
        let (status, _, body, sent) = send_to(&layer, ask_native(&whole), other).await;
        assert_eq!(
            (status.as_u16(), sent.len(), &*body),
            (400, 1, r#"{"error":{"code":"other"}}"#)
        );
    }
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events(cuts in prop::collection::vec(0..300_usize, 0..12)) {
        let whole = CHUNKS.concat();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(whole.len())).collect();
        cuts.sort_unstable();
        let run = |cuts: &[usize]| {
            let translator = StreamTranslator::new(Arc::default(), Ids::seeded(1), 1, Box::new(str::to_owned));
            let mut stream = super::stream::Stream::new(translator, 1 << 20);
            let (mut out, mut from) = (Vec::new(), 0);
            for &cut in cuts.iter().chain([&whole.len()]) {
                stream.read(&whole.as_bytes()[from..cut], 2);
                out.extend(stream.take().unwrap_or_default());
                from = cut;
            }
            stream.end(2);
            out.extend(stream.take().unwrap_or_default());
            out
        };
        prop_assert_eq!(run(&cuts), run(&[]));
    }
}

/// A healthy stream of every kind of piece, by events.
const HEALTHY: [&str; 12] = [
    r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning_content":"why \ud83d"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning_content":"\ude80?"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"Gleis "}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"第九 \ud83d"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"\ude80"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{\"q\""}}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":": \"\ud83d"}}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\ude80\"}"}}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{\"q\": \"🚀\"}"}}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls","usage":{"prompt_tokens":9,"completion_tokens":3}}]}"#,
    r#"{"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0}}"#,
];

/// What carries nothing, as it stands between two events.
const NOTHING: [&str; 16] = [
    "data:\n\n",
    "data: \n\n",
    "data\n\n",
    "data: ping\n\n",
    "data: \"ping\"\n\n",
    "data: null\n\n",
    "data: 7\n\n",
    "data: []\n\n",
    "data: {}\n\n",
    "event: ping\ndata: {\"type\":\"ping\"}\n\n",
    "event: heartbeat\n\n",
    ": OPENROUTER PROCESSING\n\n",
    ": keep-alive\n",
    "id: 7\nretry: 1000\n\n",
    "\n\n",
    "data: DON\n\n",
];

/// What `Stream` makes of these bytes, cut at these places; at those with a mark a heartbeat is due.
fn translated(bytes: &[u8], cuts: &[(usize, bool)]) -> String {
    let translator =
        StreamTranslator::new(Arc::default(), Ids::seeded(1), 1, Box::new(str::to_owned));
    let mut stream = super::stream::Stream::new(translator, 1 << 20);
    let (mut out, mut from) = (Vec::new(), 0);
    for &(cut, beats) in cuts.iter().chain([&(bytes.len(), false)]) {
        stream.read(&bytes[from..cut], 2);
        if beats && !stream.is_over() {
            stream.heartbeat(true);
        }
        out.extend(stream.take().unwrap_or_default());
        from = cut;
    }
    stream.end(2);
    out.extend(stream.take().unwrap_or_default());
    String::from_utf8(out).unwrap()
}

/// The events but for heartbeats, with the deltas of each kind joined, without numbers.
fn said(text: &str) -> Vec<Value> {
    numbered(text);
    let mut events: Vec<Value> = Vec::new();
    for data in text.lines().filter_map(|line| line.strip_prefix("data: {")) {
        let mut event: Value = serde_json::from_str(&format!("{{{data}")).unwrap();
        event.as_object_mut().unwrap().remove("sequence_number");
        if event["type"] == "response.in_progress" && events.contains(&event) {
            continue;
        }
        events.push(event);
    }
    events
}

#[test]
fn a_healthy_stream_is_read_as_a_whole() {
    let stream: String = HEALTHY.iter().map(|data| format!("data: {data}\n\n")).collect();
    let events = said(&translated(stream.as_bytes(), &[]));
    let response = &events.last().unwrap()["response"];
    assert_eq!(response["status"], "completed");
    let output = &response["output"];
    assert_eq!(output.as_array().unwrap().len(), 3);
    assert_eq!(output[0]["summary"][0]["text"], "why 🚀?");
    assert_eq!(output[1]["content"][0]["text"], "Gleis 第九 🚀");
    assert_eq!(output[2]["arguments"], "{\"q\": \"🚀\"}");
    assert_eq!(response["usage"]["total_tokens"], 12);
}

proptest! {
    #[test]
    fn heartbeats_comments_odd_ends_and_splits_change_nothing(
        nothing in prop::collection::vec((0..13_usize, prop::sample::select(NOTHING.to_vec())), 0..20),
        end in prop::sample::select(vec!["[DONE]", "[DONE] ", "[done]", "DONE", "\"[DONE]\"", ""]),
        behind in any::<bool>(),
        carriage in any::<bool>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..12),
    ) {
        let plain: String = HEALTHY.iter().map(|data| format!("data: {data}\n\n")).collect();
        let mut stream = String::new();
        for at in 0..=HEALTHY.len() {
            nothing.iter().filter(|(place, _)| *place == at).for_each(|(_, odd)| stream += odd);
            stream.extend(HEALTHY.get(at).map(|data| format!("data: {data}\n\n")));
        }
        stream += &format!("data: {end}\n\n");
        if behind {
            stream += "data: ping\n\ndata: [DONE]\n\n: bye\n\n";
        }
        if carriage {
            stream = stream.replace('\n', "\r\n");
        }
        let mut cuts: Vec<_> =
            cuts.iter().map(|(cut, beats)| (cut.index(stream.len() + 1), *beats)).collect();
        cuts.sort_unstable();
        let seen = translated(stream.as_bytes(), &cuts);
        prop_assert_eq!(said(&seen), said(&translated(plain.as_bytes(), &[])));
        prop_assert!(seen.ends_with("data: [DONE]\n\n"));
        // No reader finds an event without data.
        prop_assert!(!seen.contains("\n\n\n") && !seen.contains(": keep-alive\n\n"));
    }
}
