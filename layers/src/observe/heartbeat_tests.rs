//! What providers send besides their answers, and answers that only look whole.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use proptest::prelude::*;
use serde_json::Value;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::{Malformed, ObserveLayer};
use crate::{
    Dialect, Exchange, Target,
    exchange::{AttemptRecord, Fault, Finish, Usage},
    request::WithholdUsage,
    sse::Framer,
};

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";

const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";

struct Seen {
    text: String,
    record: AttemptRecord,
    is_broken: bool,
}

fn run(layer: &ObserveLayer, request: Request<()>, kind: &str, chunks: Vec<Bytes>) -> Seen {
    let length: usize = chunks.iter().map(Bytes::len).sum();
    let frames = chunks.into_iter().map(|chunk| Ok::<_, Infallible>(Frame::data(chunk)));
    let body = StreamBody::new(stream::iter(frames));
    let head = Response::builder().header("content-type", kind).header("content-length", length);
    let mut response = Some(head.body(body).unwrap());
    let upstream = service_fn(move |_: Request<()>| {
        let response = response.take().unwrap();
        async { Ok::<_, Infallible>(response) }
    });
    let exchange = Exchange::default();
    let mut request = request;
    request.extensions_mut().insert(exchange.clone());
    tokio_test::block_on(async {
        let answer = layer.layer(upstream).oneshot(request).await.unwrap();
        let is_sized = answer.headers().contains_key("content-length");
        assert_eq!(is_sized, kind == JSON, "a stream may lose events");
        let (mut body, mut passed, mut is_broken) = (answer.into_body(), Vec::new(), false);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => passed.extend(frame.into_data().unwrap()),
                Err(_) => is_broken = true,
            }
        }
        // Each run has its own time.
        let record = AttemptRecord { content_at: None, ..exchange.record() };
        assert_eq!(is_broken, kind == EVENTS && record.fault.is_some());
        Seen { text: String::from_utf8(passed).unwrap(), record, is_broken }
    })
}

fn request(path: &str) -> Request<()> {
    Request::post(path).body(()).unwrap()
}

fn events(path: &str, text: &str) -> Seen {
    run(&ObserveLayer::new(), request(path), EVENTS, vec![Bytes::from(text.to_owned())])
}

fn json(text: &str) -> AttemptRecord {
    run(&ObserveLayer::new(), request(CHAT), JSON, vec![Bytes::from(text.to_owned())]).record
}

fn chunk(choice: &str) -> String {
    format!("data: {{\"id\":\"c\",\"choices\":[{choice}]}}\n\n")
}

fn delta(text: &str) -> String {
    chunk(&format!(r#"{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}"#))
}

const FINISH: &str =
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// A Responses stream: what comes before the last event, and that one.
const CREATED: &str = "event: response.created\ndata: {\"type\":\"response.created\",\
    \"response\":{\"id\":\"r\",\"model\":\"m\",\"status\":\"in_progress\",\"usage\":null}}\n\n";
const TEXT: &str = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\
    \"sequence_number\":1,\"delta\":\"Hi\"}\n\n";
const COMPLETED: &str = "event: response.completed\ndata: {\"type\":\"response.completed\",\
    \"response\":{\"status\":\"completed\",\"usage\":{\"input_tokens\":7,\"output_tokens\":2}}}\n\n";

/// Blocks that say nothing, and that the client must not get.
const HEARTBEATS: [&str; 18] = [
    "data:\n\n",
    "data: \n\n",
    "data\n\n",
    "data:\ndata:\n\n",
    "event: ping\n\n",
    "id: 7\n\n",
    "retry: 3000\n\n",
    "event: ping\ndata:\n\n",
    "event: ping\ndata: ping\n\n",
    "data: ping\n\n",
    "data: \"ping\"\n\n",
    "data: null\n\n",
    "data: 0\n\n",
    "data: true\r\n\r\n",
    "data: []\n\n",
    "data: [1, 2\n\n",
    "data: keep-alive é\n\n",
    "data: ping\r\r",
];

const ODD_ENDS: [&str; 7] = [
    "data: DONE\n\n",
    "data: [DONE] \n\n",
    "data:  [DONE]\n\n",
    "data: [done]\n\n",
    "data: \"[DONE]\"\n\n",
    "data: done\r\n\r\n",
    "event: done\ndata: Done\n\n",
];

#[test]
fn heartbeats_are_dropped_wherever_they_stand() {
    let chat = [delta("Hello"), delta(" there."), FINISH.into(), USAGE.into(), DONE.into()];
    let responses = [CREATED, TEXT, COMPLETED].map(str::to_owned);
    for (path, parts) in [(CHAT, &chat[..]), (RESPONSES, &responses)] {
        let healthy = events(path, &parts.concat());
        assert_eq!((healthy.text, healthy.record.fault.clone()), (parts.concat(), None));
        for heartbeat in HEARTBEATS {
            for at in 0..=parts.len() {
                let (before, behind) = parts.split_at(at);
                let text = [&*before.concat(), heartbeat, &behind.concat()].concat();
                let seen = events(path, &text);
                assert_eq!(seen.text, parts.concat(), "{heartbeat:?} at {at} of {path}");
                assert_eq!(seen.record, healthy.record, "{heartbeat:?} at {at} of {path}");
            }
        }
    }
}

#[test]
fn comments_pass() {
    let text = format!(": a\n\n: b\n{}:\n\n{FINISH}: c\n\n{DONE}: d\n", delta("Hi"));
    let seen = events(CHAT, &text);
    assert_eq!((seen.text, seen.record.fault), (text, None));
}

#[test]
fn odd_ends_behind_the_finish_reason_become_done() {
    let start = [&*delta("Hi"), FINISH].concat();
    for end in ODD_ENDS.into_iter().chain(["data:[DONE]\n\n", "event: x\ndata:[DONE]\r\n\r\n"]) {
        let expected = format!("{start}{DONE}");
        for text in [
            format!("{start}{end}"),
            format!("{start}{end}{end}"),
            format!("{start}{end}{DONE}"),
            format!("{start}{DONE}{end}"),
            format!("{start}{end}data: ping\n\n"),
        ] {
            let seen = events(CHAT, &text);
            assert_eq!((seen.text, seen.record.fault), (expected.clone(), None), "{text:?}");
        }
        let seen = events(CHAT, &format!("{start}{USAGE}{end}{end}"));
        assert_eq!(seen.text, format!("{start}{USAGE}{DONE}"), "{end:?}");
        // It ends the stream before all was sent.
        if end != "data:[DONE]\n\n" && !end.starts_with("event: x") {
            let seen = events(CHAT, &format!("{start}{end}{USAGE}"));
            assert_eq!(seen.text, format!("{start}{USAGE}{DONE}"), "{end:?}");
            assert_eq!(seen.record.usage.unwrap().input, 7, "{end:?}");
        }
    }
    let seen = events(CHAT, &format!("{start}{DONE}{USAGE}"));
    assert_eq!(seen.record.usage.unwrap().total(), 9, "also behind the end");
}

#[test]
fn an_end_before_the_finish_reason_is_none() {
    let hi = delta("Hi");
    for end in ODD_ENDS {
        let seen = events(CHAT, &format!("{hi}{end}"));
        assert_eq!(seen.record.fault, Some(Fault::Unfinished), "{end:?}");
        assert_eq!(seen.text, hi, "{end:?}");
        let seen = events(CHAT, &format!("{hi}{end}{FINISH}{DONE}"));
        assert_eq!((seen.text, seen.record.fault), (format!("{hi}{FINISH}{DONE}"), None));
    }
}

/// The last event has no blank line.
#[test]
fn a_cut_off_end_is_no_event() {
    let start = format!("{}{FINISH}", delta("Hi"));
    for (tail, passes, done) in [
        ("data: [DONE]", "data: [DONE]", ""),
        ("data: [DONE]\n", "data: [DONE]\n", ""),
        (": bye", ": bye", ""),
        ("data: DONE", "", DONE),
        ("data: DONE\n", "", DONE),
        ("data: ping\r", "", ""),
        ("event: ping\n", "", ""),
        ("data: {\"choices\":[", "", ""),
        ("data: {\"error\":{}}", "data: {\"error\":{}}", ""),
    ] {
        let seen = events(CHAT, &format!("{start}{tail}"));
        assert_eq!(seen.text, format!("{start}{passes}{done}"), "{tail:?}");
        assert_eq!(seen.record.fault, None, "{tail:?}");
    }
    let usage = USAGE.trim_end();
    let seen = events(CHAT, &format!("{start}data: DONE\n\n{usage}"));
    assert_eq!(seen.text, format!("{start}{usage}\n\n{DONE}"));
    assert_eq!(seen.record.usage.unwrap().total(), 9);
}

#[test]
fn errors_are_errors_whatever_their_data() {
    for (text, says) in [
        ("event: error\ndata: overloaded\n\n", "overloaded"),
        ("event: error\ndata: \"busy\"\n\n", "busy"),
        ("event: error\ndata: {\"message\":\"no\n\n", "no"),
        ("event: error\ndata:\n\n", "an error"),
        ("data: [{\"error\":{\"code\":503,\"message\":\"busy\"}}]\n\n", "503: busy"),
        ("data: {\"x_groq\":{\"error\":\"over capacity\"},\"choices\":[]}\n\n", "over capacity"),
    ] {
        let seen = events(CHAT, &format!("{}{text}{FINISH}", delta("Hi")));
        let Some(Fault::Upstream(error)) = seen.record.fault else { panic!("{text}") };
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert_eq!(seen.text, delta("Hi"));
    }
}

#[test]
fn a_malformed_event_breaks_the_stream_or_is_skipped() {
    let target = |provider: &str| Target {
        provider: provider.into(),
        model: "m".into(),
        dialect: Dialect::Chat,
    };
    let skips = || {
        ObserveLayer::new().malformed_for_target(|target| match &*target.provider {
            "skips" => Malformed::Skip,
            _ => Malformed::Fail,
        })
    };
    let chat = (CHAT, delta("Hi"), format!("{FINISH}{DONE}"));
    let responses = (RESPONSES, format!("{CREATED}{TEXT}"), COMPLETED.to_owned());
    for (path, before, behind) in [chat, responses] {
        for malformed in [
            "data: {\"id\":\"c\",\"choi\n\n",
            "data: {\"choices\":5,\"type\":5}\n\n",
            "data: {}}\r\n\r\n",
            "data: {\"a\":1}\ndata: {\"a\":1}\n\n",
            "event: x\ndata: {\n\n",
            "data: <html>\n\n",
        ] {
            let text = format!("{before}{malformed}{malformed}{behind}");
            let with = |layer: &ObserveLayer, provider: &str| {
                let mut request = request(path);
                request.extensions_mut().insert(target(provider));
                run(layer, request, EVENTS, vec![Bytes::from(text.clone())])
            };
            for seen in [
                with(&ObserveLayer::new(), "skips"),
                with(&skips(), "other"),
                with(&ObserveLayer::new().malformed(Malformed::Fail), "other"),
            ] {
                assert!(matches!(seen.record.fault, Some(Fault::Malformed(_))), "{malformed:?}");
                assert_eq!(
                    (seen.text, seen.record.malformed),
                    (before.clone(), 1),
                    "{malformed:?}"
                );
            }
            for seen in [
                with(&skips(), "skips"),
                with(&ObserveLayer::new().malformed(Malformed::Skip), "x"),
            ] {
                assert_eq!((seen.record.fault, seen.record.malformed), (None, 2), "{malformed:?}");
                assert_eq!(seen.text, format!("{before}{behind}"), "{malformed:?}");
                assert_eq!(seen.record.finish, Some(Finish::Stop));
            }
        }
    }
    // What was skipped was all there was.
    let layer = || ObserveLayer::new().malformed(Malformed::Skip);
    for text in ["data: {\n\n", "data: <html>\n\n"] {
        let seen = run(&layer(), request(CHAT), EVENTS, vec![text.into()]);
        assert_eq!(seen.record.fault, Some(Fault::Unfinished));
    }
    let seen = run(&layer(), request(CHAT), EVENTS, vec!["data: {\"error\":{}}\n\n".into()]);
    assert!(matches!(seen.record.fault, Some(Fault::Upstream(_))) && seen.record.malformed == 0);
}

#[test]
fn an_answer_that_ended_with_an_error_is_broken() {
    let finish = |rest: &str| format!(r#"{{"index":0,"delta":{{"content":""}},{rest}}}"#);
    for (rest, says) in [
        (r#""finish_reason":"error""#, "finish reason `error`"),
        (r#""finish_reason":"ERROR""#, "finish reason `ERROR`"),
        (r#""finish_reason":"network_error""#, "`network_error`"),
        (r#""finish_reason":"abort""#, "`abort`"),
        (r#""finish_reason":"stop","native_finish_reason":"error""#, "`error`"),
        (r#""native_finish_reason":"error","finish_reason":"stop""#, "`error`"),
        (r#""finish_reason":null,"native_finish_reason":"error""#, "`error`"),
        (r#""finish_reason":"error","error":{"code":502,"message":"down"}"#, "502: down"),
        (r#""finish_reason":"stop","error":{"code":502,"message":"down"}"#, "502: down"),
        (r#""finish_reason":"error","error":"down""#, "down"),
        (r#""finish_reason":"error","error":null"#, "ended the answer with an error"),
    ] {
        let seen = events(CHAT, &format!("{}{}{DONE}", delta("Hi"), chunk(&finish(rest))));
        assert_eq!((&*seen.text, seen.is_broken), (&*delta("Hi"), true), "{rest}");
        let stream = seen.record.fault.unwrap().to_string();
        let plain =
            json(&format!(r#"{{"choices":[{}]}}"#, finish(rest).replace("delta", "message")));
        let plain = plain.fault.unwrap().to_string();
        assert!(stream.contains(says) && plain.contains(says), "{rest}: {stream}; {plain}");
    }
    for rest in [
        r#""finish_reason":"stop","native_finish_reason":"STOP""#,
        r#""finish_reason":"stop","native_finish_reason":null,"error":null"#,
        r#""finish_reason":"length","native_finish_reason":7"#,
        r#""finish_reason":"tool_calls","error":{}"#,
        r#""finish_reason":"content_filter","native_finish_reason":"error_free""#,
    ] {
        let seen = events(CHAT, &format!("{}{DONE}", chunk(&finish(rest))));
        assert_eq!(seen.record.fault, None, "{rest}");
        let plain =
            json(&format!(r#"{{"choices":[{}]}}"#, finish(rest).replace("delta", "message")));
        assert_eq!(plain.fault, None, "{rest}");
    }
}

#[test]
fn an_answer_without_content_and_reason_is_broken() {
    for choice in [
        r#"{"message":{"content":""},"finish_reason":null}"#,
        r#"{"message":{"role":"assistant","content":null}}"#,
        r#"{"message":{"content":"","tool_calls":[]},"finish_reason":""}"#,
        r#"{"index":0}"#,
        r#"{"message":null,"finish_reason":null,"usage":{"prompt_tokens":1}}"#,
    ] {
        let fault = json(&format!(r#"{{"choices":[{choice}]}}"#)).fault.unwrap().to_string();
        assert!(fault.contains("neither content nor a finish reason"), "{choice}: {fault}");
    }
    for choice in [
        r#"{"message":{"content":""},"finish_reason":"stop"}"#,
        r#"{"message":{"content":null},"finish_reason":"length"}"#,
        r#"{"message":{"content":null},"finish_reason":"content_filter"}"#,
        r#"{"message":{"content":"Hi"},"finish_reason":null}"#,
        r#"{"message":{"reasoning":"Hm"}}"#,
        r#"{"message":{"content":null,"audio":{"id":"a"}}}"#,
        r#"{"text":"Hi"}"#,
    ] {
        assert_eq!(json(&format!(r#"{{"choices":[{choice}]}}"#)).fault, None, "{choice}");
    }
}

#[test]
fn usage_is_found_where_it_stands() {
    let usage = |input, output| Some(Usage { input, output, ..Usage::default() });
    let tokens = |input: u64, output: u64| {
        format!(r#""usage":{{"prompt_tokens":{input},"completion_tokens":{output}}}"#)
    };
    let hi = |beside: &str, in_choice: &str, in_delta: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"Hi\"{in_delta}}},\
             \"finish_reason\":\"stop\"{in_choice}}}]{beside}}}\n\n"
        )
    };
    let (real, zero) = (format!(",{}", tokens(7, 2)), format!(",{}", tokens(0, 0)));
    let groq = format!(",\"x_groq\":{{\"id\":\"r\"{real}}}");
    let null = ",\"usage\":null";
    let alone = |usage: &str| format!("data: {{\"choices\":[]{usage}}}\n\n");
    let growing = |input, output| hi(&format!(",{}", tokens(input, output)), "", "");
    for (name, stream, expected) in [
        ("beside", hi(&real, "", ""), usage(7, 2)),
        ("in the choice", hi("", &real, ""), usage(7, 2)),
        ("in the delta", hi("", "", &real), usage(7, 2)),
        ("of Groq", hi(&groq, "", ""), usage(7, 2)),
        ("alone", hi("", "", "") + &alone(&real), usage(7, 2)),
        ("alone, of Groq", hi("", "", "") + &alone(&groq), usage(7, 2)),
        ("in the first", hi(&real, "", "") + &delta("!"), usage(7, 2)),
        ("zeros behind it", hi("", &real, "") + &alone(&zero), usage(7, 2)),
        ("zeros beside it", hi(&zero, &real, ""), usage(7, 2)),
        ("zeros before it", hi(&zero, "", "") + &alone(&real), usage(7, 2)),
        ("null behind it", hi(&real, "", "") + &alone(null), usage(7, 2)),
        ("null beside it", hi(null, &real, ""), usage(7, 2)),
        ("growing", growing(7, 1) + &growing(7, 2) + &growing(7, 3), usage(7, 3)),
        ("in pieces", growing(7, 0) + &growing(0, 3), usage(7, 3)),
        ("zeros only", hi(&zero, "", "") + &alone(&zero), None),
        ("of another shape", hi(",\"usage\":[1],\"x_groq\":\"x\"", ",\"usage\":\"x\"", ""), None),
    ] {
        let seen = events(CHAT, &format!("{stream}{FINISH}{DONE}"));
        assert_eq!((seen.record.usage, seen.record.fault), (expected, None), "{name}");

        let mut request = request(CHAT);
        request.extensions_mut().insert(WithholdUsage);
        let whole = format!("{stream}{FINISH}{DONE}");
        let left = [&real, &zero, &groq]
            .iter()
            .fold(whole.clone(), |whole, usage| whole.replace(&alone(usage), ""));
        let seen = run(&ObserveLayer::new(), request, EVENTS, vec![whole.into()]);
        assert_eq!((seen.text, seen.record.usage), (left, expected), "{name}");
    }
    let whole = |choice: &str, beside: &str| {
        json(&format!(
            r#"{{"choices":[{{"message":{{"content":"Hi"}},"finish_reason":"stop"{choice}}}]{beside}}}"#
        ))
    };
    assert_eq!(whole(&real, "").usage, usage(7, 2));
    assert_eq!(whole(&real, &zero).usage, usage(7, 2));
    assert_eq!(whole("", &groq).usage, usage(7, 2));
    assert_eq!(whole("", &zero).usage, None);
}

/// What a client makes of a stream: text, arguments of calls, finish reason, usage. Like the SDKs
/// it parses the data of every event up to `[DONE]`.
fn read_as_client(text: &str) -> (String, String, Value, Value) {
    let (mut said, mut called, mut finish, mut usage) =
        (String::new(), String::new(), Value::Null, Value::Null);
    let mut done = 0;
    let framed = Framer::new(1 << 20).feed_blocks(text.as_bytes(), |event| {
        assert!(event.has_data && done == 0, "{text:?}");
        if event.data == b"[DONE]" {
            done += 1;
            return;
        }
        let chunk: Value = serde_json::from_slice(event.data).unwrap();
        let choice = &chunk["choices"][0];
        said += choice["delta"]["content"].as_str().unwrap_or_default();
        let call = &choice["delta"]["tool_calls"][0]["function"]["arguments"];
        called += call.as_str().unwrap_or_default();
        for (known, new) in [(&mut finish, &choice["finish_reason"]), (&mut usage, &chunk["usage"])]
        {
            if !new.is_null() {
                *known = new.clone();
            }
        }
    });
    assert!(framed.is_ok() && done == 1, "{text:?}");
    (said, called, finish, usage)
}

fn noise() -> impl Strategy<Value = Vec<&'static str>> {
    let comments = [": hi\n\n", ":\n", ": a\r\n\r\n", "\n", ": data: {\n"];
    let all = HEARTBEATS.into_iter().chain(ODD_ENDS).chain(comments);
    prop::collection::vec(prop::sample::select(all.collect::<Vec<_>>()), 0..4)
}

proptest! {
    #[test]
    fn nothing_besides_changes_a_healthy_stream(
        noise in prop::collection::vec(noise(), 8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        byte_by_byte in any::<bool>(),
        is_crlf in any::<bool>(),
    ) {
        let call = |text: &str| chunk(&format!(
            r#"{{"index":0,"delta":{{"tool_calls":[{{"index":0,"function":{{"arguments":"{text}"}}}}]}}}}"#
        ));
        let parts =
            [delta("Hé"), delta("llo"), call("{}"), call(" "), FINISH.into(), USAGE.into(), DONE.into()];
        let parts = parts.map(|part| if is_crlf { part.replace('\n', "\r\n") } else { part });
        let healthy = events(CHAT, &parts.concat());
        prop_assert!(healthy.record.fault.is_none());
        let between = parts.iter().map(String::as_str).chain([""]);
        let text: String = noise
            .iter()
            .zip(between)
            .flat_map(|(noise, part)| noise.iter().copied().chain([part]))
            .collect();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len())).collect();
        if byte_by_byte {
            cuts = (0..text.len()).collect();
        }
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2);
        let chunks =
            chunks.map(|cut| Bytes::copy_from_slice(&text.as_bytes()[cut[0]..cut[1]])).collect();
        let seen = run(&ObserveLayer::new(), request(CHAT), EVENTS, chunks);
        prop_assert_eq!(&seen.record, &healthy.record, "{:?}", text);
        prop_assert_eq!(read_as_client(&seen.text), read_as_client(&healthy.text), "{:?}", text);
    }
}
