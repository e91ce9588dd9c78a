use std::{convert::Infallible, io};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use proptest::prelude::*;
use static_assertions::assert_impl_all;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::{
    Buffered, Dialect, Exchange, Target,
    body::BodyEnd,
    contract,
    exchange::{AttemptRecord, Fault, Finish, Outcome, Usage},
    request::WithholdUsage,
};

assert_impl_all!(ObserveLayer: Send, Sync, Clone);
assert_impl_all!(Observe<()>: Send, Sync, Clone);
assert_impl_all!(ObserveBody<Full<Bytes>>: Send);

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";

type Chunks = Vec<io::Result<Bytes>>;

/// Passes an answer through the layer; the bytes that passed and the facts at the end.
fn observe(
    path: &str,
    status: u16,
    content_type: &str,
    chunks: Chunks,
) -> (Vec<u8>, AttemptRecord) {
    let expected = chunks.iter().flatten().flatten().copied().collect::<Vec<u8>>();
    let body = stream::iter(chunks.into_iter().map(|chunk| chunk.map(Frame::data)));
    let mut response = Some(
        Response::builder()
            .status(status)
            .header("content-type", content_type)
            .body(StreamBody::new(body)),
    );
    let upstream = service_fn(move |_: Request<()>| {
        let response = response.take().unwrap().unwrap();
        async { Ok::<_, Infallible>(response) }
    });
    let exchange = Exchange::default();
    let request = Request::post(path).extension(exchange.clone()).body(()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let service = ObserveLayer::new().cap(1 << 10).layer(upstream);
        let mut body = service.oneshot(request).await.unwrap().into_body();
        let (mut passed, mut broke) = (Vec::new(), false);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => passed.extend(frame.into_data().unwrap()),
                Err(_) => broke = true,
            }
        }
        // Each run has its own time.
        let record = AttemptRecord { content_at: None, ..exchange.record() };
        if content_type.starts_with("text/event-stream")
            && status == 200
            && path != "/v1/embeddings"
        {
            assert_eq!(broke, record.fault.is_some(), "a broken stream ends in an error");
        }
        if broke {
            assert!(expected.starts_with(&passed), "what passed came first");
            let is_stream = content_type.starts_with("text/event-stream") && status == 200;
            let is_whole = passed.is_empty() || passed.ends_with(b"\n") || passed.ends_with(b"\r");
            assert!(is_whole || !is_stream, "only whole events pass");
        } else {
            assert_eq!(passed, expected, "the bytes pass untouched");
        }
        (passed, record)
    })
}

fn events(path: &str, text: &str) -> AttemptRecord {
    observe(path, 200, "text/event-stream; charset=utf-8", vec![Ok(text.to_owned().into())]).1
}

fn json(path: &str, status: u16, text: &str) -> AttemptRecord {
    observe(path, status, "application/json", vec![Ok(text.to_owned().into())]).1
}

fn malformed(record: &AttemptRecord) -> &str {
    match &record.fault {
        Some(Fault::Malformed(what)) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn content_is_what_a_reader_would_see() {
    let delta = |delta: &str| format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n");
    for (text, content) in [
        (delta(r#"{"content":"a"}"#), true),
        (delta(r#"{"reasoning_content":"a","content":null}"#), true),
        (delta(r#"{"reasoning":"a"}"#), true),
        (delta(r#"{"refusal":"a"}"#), true),
        (delta(r#"{"tool_calls":[{"index":0,"function":{"name":"f"}}]}"#), true),
        (delta(r#"{"role":"assistant"}"#), false),
        (delta(r#"{"role":"assistant","content":"","tool_calls":[],"refusal":null}"#), false),
        (delta("null"), false),
        (": OPENROUTER PROCESSING\n\n".into(), false),
        ("data: {\"choices\":[]}\n\n".into(), false),
        ("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n".into(), true),
    ] {
        assert_eq!(events(CHAT, &text).content, content, "{text}");
    }
}

#[test]
fn half_a_character_is_content() {
    let halves = [r"\ud83d", r"\ude00"]
        .map(|half| format!(r#"data: {{"choices":[{{"delta":{{"content":"{half}"}}}}]}}"#));
    let last = r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    let record = events(CHAT, &format!("{}\n\n{last}\n\n", halves.join("\n\n")));
    assert_eq!((record.fault, record.pieces), (None, 2));

    let delta = r#"data: {"type":"response.output_text.delta","delta":"\ud83d"}"#;
    let last = r#"data: {"type":"response.completed","response":{"status":"completed"}}"#;
    let record = events(RESPONSES, &format!("{delta}\n\n{last}\n\n"));
    assert_eq!((record.fault, record.pieces), (None, 1));
}

#[test]
fn a_whole_stream_is_a_success_even_without_done() {
    let record = events(
        CHAT,
        "data: {\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}],\"usage\":null}\n\n\
         data: {\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n\
         data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5}}\n\n",
    );
    assert_eq!(record.outcome(), Some(Outcome::Success));
    assert_eq!(record.finish, Some(Finish::Length));
    assert_eq!(record.model.as_deref(), Some("m-1"));
    assert_eq!(record.usage, Some(Usage { input: 3, output: 5, ..Usage::default() }));
    assert_eq!(record.pieces, 1);
}

#[test]
fn an_end_without_a_finish_reason_is_a_fault_however_clean() {
    let cut = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    assert_eq!(events(CHAT, cut).fault, Some(Fault::Unfinished));
    assert_eq!(events(CHAT, &format!("{cut}data: [DONE]\n\n")).fault, Some(Fault::Unfinished));
    assert_eq!(events(CHAT, "").fault, Some(Fault::Unfinished));
    let one_of_two =
        "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"},{\"index\":1}]}\n\n";
    let record = events(CHAT, one_of_two);
    assert_eq!((record.fault, record.finish), (Some(Fault::Unfinished), None));
}

#[test]
fn what_is_not_json_and_what_is_an_error_are_faults() {
    assert!(malformed(&events(CHAT, "data: {\"choices\":[\n\n")).contains("not JSON"));
    assert!(malformed(&events(CHAT, "data: <html>\n\n")).contains("not JSON"));
    for text in [
        "data: {\"error\":{\"code\":\"overloaded\",\"message\":\"busy\"}}\n\n",
        "event: error\ndata: {\"code\":\"overloaded\",\"message\":\"busy\"}\n\n",
    ] {
        let Some(Fault::Upstream(error)) = events(CHAT, text).fault else { panic!("{text}") };
        assert_eq!(error.to_string(), "overloaded: busy");
    }
    let finish =
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"error\"}]}\n\n";
    assert!(malformed(&events(CHAT, finish)).contains("`error`"));
}

#[test]
fn the_first_fault_ends_the_reading() {
    let record = events(CHAT, "data: {x\n\ndata: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n");
    assert_eq!((record.content, record.finish.clone()), (false, None));
    assert_eq!(record.outcome(), Some(Outcome::Fault));
}

#[test]
fn what_stands_before_the_break_passes_and_the_rest_does_not() {
    let good = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    let error = "data: {\"error\":{}}\n\n";
    let sse = "text/event-stream";
    let passed = |chunks: &[&str]| {
        let chunks = chunks.iter().map(|chunk| Ok(Bytes::from(chunk.to_string())));
        String::from_utf8(observe(CHAT, 200, sse, chunks.collect()).0).unwrap()
    };
    assert_eq!(passed(&[&format!("{good}{error}{good}")]), good);
    assert_eq!(passed(&[&format!("{good}data: {{\"err"), "or\":1}\n\n", good]), good);
    assert_eq!(passed(&[good, "data: {\"choi"]), good, "half an event does not pass");
    let finish = "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]";
    assert_eq!(passed(&[good, finish]), format!("{good}{finish}"));
    assert_eq!(passed(&[good, "data: [DONE]\n\n"]), good, "it would make half an answer whole");
}

#[test]
fn the_usage_is_withheld_wherever_the_bytes_are_split() {
    let delta = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}\r\n\r\n";
    let finish =
        "data: {\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9}}\n\n";
    let usage = ": u\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\n";
    let empty = "data: {\"choices\":[]}\n\n";
    // The first one stands behind a blank line that a chunk may end in the middle of.
    let stream = [delta, usage, finish, usage, usage, empty, "data: [DONE]\n\n"].concat();
    let left = stream.replace(usage, "");
    for at in 0..stream.len() {
        let chunks = [&stream[..at], &stream[at..]].map(|chunk| Bytes::from(chunk.to_owned()));
        let body = StreamBody::new(stream::iter(
            chunks.map(|chunk| Ok::<_, Infallible>(Frame::data(chunk))),
        ));
        let head = Response::builder().header("content-type", "text/event-stream");
        let mut response = Some(head.header("content-length", stream.len()).body(body).unwrap());
        let upstream = service_fn(move |_: Request<()>| {
            let response = response.take().unwrap();
            async { Ok::<_, Infallible>(response) }
        });
        let (exchange, request) = (Exchange::default(), Request::post(CHAT));
        let request =
            request.extension(exchange.clone()).extension(WithholdUsage).body(()).unwrap();
        let answer = ObserveLayer::new().layer(upstream).oneshot(request);
        let answer = tokio_test::block_on(answer).unwrap();
        assert!(!answer.headers().contains_key("content-length"));
        let body = tokio_test::block_on(answer.into_body().collect()).unwrap().to_bytes();
        assert_eq!(body, left, "split at {at}");
        assert_eq!(exchange.record().usage.unwrap().input, 3);
    }
}

#[test]
fn errors_are_redacted_before_anybody_sees_them() {
    let error = r#"{"error":{"message":"no sk-1"}}"#;
    let event = format!("data: {error}\n\n");
    for (status, content_type, body) in [
        (401, "application/json", error),
        (200, "application/json", error),
        (200, "text/event-stream", &event),
    ] {
        let body = http_body_util::Full::new(Bytes::from(body.to_owned()));
        let response = Response::builder().status(status).header("content-type", content_type);
        let mut response = Some(response.body(body).unwrap());
        let upstream = service_fn(move |_: Request<()>| {
            let response = response.take().unwrap();
            async { Ok::<_, Infallible>(response) }
        });
        let layer = ObserveLayer::new().redact(|error| {
            let message = error.message.take().unwrap().replace("sk-1", "***");
            error.message = Some(message.into());
        });
        let exchange = Exchange::default();
        let request = Request::post(CHAT).extension(exchange.clone()).body(()).unwrap();
        let answer = tokio_test::block_on(layer.layer(upstream).oneshot(request)).unwrap();
        if let Err(error) = tokio_test::block_on(answer.into_body().collect()) {
            assert_eq!(error.to_string(), "no ***");
        }
        let record = exchange.record();
        let told = [record.error.map(|e| e.to_string()), record.fault.map(|f| f.to_string())];
        assert_eq!(told.into_iter().flatten().collect::<Vec<_>>(), ["no ***"], "{content_type}");
    }
}

/// What an error means is found once, by the rules of its target's provider before the others.
#[test]
fn errors_are_classified_by_the_rules_of_their_provider() {
    use crate::classify::{ErrorRule, ErrorRules, ResponseClass};

    let layer = || {
        let rules = |means| ErrorRules::from_iter([ErrorRule::new(means).code("odd")]);
        ObserveLayer::new()
            .error_rules_for_target(move |target| match &*target.provider {
                "a" => rules(ResponseClass::Exhausted),
                _ => ErrorRules::default(),
            })
            .error_rules(rules(ResponseClass::Overloaded))
            .redact(|error| error.code = Some("***".into()))
    };
    let odd = r#"{"error":{"code":"odd"}}"#;
    let base = r#"{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}"#;
    let event = format!("data: {odd}\n\n");
    let (json, events) = ("application/json", "text/event-stream");
    let limited = ResponseClass::RateLimited(None);
    for (provider, status, content_type, body, meaning) in [
        (Some("a"), 400, json, odd, ResponseClass::Exhausted),
        (Some("b"), 400, json, odd, ResponseClass::ClientError),
        (None, 400, json, odd, ResponseClass::Overloaded),
        (Some("a"), 200, json, odd, ResponseClass::Exhausted),
        (Some("a"), 200, events, &event, ResponseClass::Exhausted),
        (Some("b"), 200, events, &event, ResponseClass::Broken),
        (Some("b"), 200, json, base, limited),
        (Some("b"), 200, json, r#"{"message":"Rate limit exceeded"}"#, limited),
    ] {
        let body = http_body_util::Full::new(Bytes::from(body.to_owned()));
        let response = Response::builder().status(status).header("content-type", content_type);
        let mut response = Some(response.body(body).unwrap());
        let upstream = service_fn(move |_: Request<()>| {
            let response = response.take().unwrap();
            async { Ok::<_, Infallible>(response) }
        });
        let exchange = Exchange::default();
        let mut request = Request::post(CHAT).extension(exchange.clone()).body(()).unwrap();
        if let Some(provider) = provider {
            let target =
                Target { provider: provider.into(), model: "m".into(), dialect: Dialect::Chat };
            request.extensions_mut().insert(target);
        }
        let answer = tokio_test::block_on(layer().layer(upstream).oneshot(request)).unwrap();
        let _ = tokio_test::block_on(answer.into_body().collect());
        let record = exchange.record();
        let faulty = match record.fault {
            Some(Fault::Upstream(error)) => Some(error),
            _ => None,
        };
        let error = record.error.or(faulty).unwrap();
        assert_eq!(error.meaning, Some(meaning), "{provider:?} {status} {content_type}");
        assert_eq!(error.code.as_deref(), Some("***"));
    }
}

#[test]
fn what_comes_behind_done_breaks_nothing() {
    let finish = "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n";
    let error = "data: {\"error\":{}}\n\n";
    assert_eq!(events(CHAT, &format!("{finish}data: [DONE]\n\n{error}")).fault, None);
    assert!(events(CHAT, &format!("{finish}{error}")).fault.is_some());
}

#[test]
fn another_choice_takes_the_finish_reason_back() {
    let choice = |index, finish| {
        format!("data: {{\"choices\":[{{\"index\":{index},\"finish_reason\":{finish}}}]}}\n\n")
    };
    let (first, second) = (choice(0, "\"stop\""), choice(1, "null"));
    assert_eq!(events(CHAT, &format!("{first}{second}")).finish, None);
    let record = events(CHAT, &format!("{first}{second}{}", choice(1, "\"length\"")));
    assert_eq!((record.finish, record.fault), (Some(Finish::Length), None));
}

#[test]
fn a_responses_stream_that_breaks_tells_where_it_stood() {
    let created = "data: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\"}}\n\n";
    let delta =
        "data: {\"type\":\"response.output_text.delta\",\"sequence_number\":1,\"delta\":\"a\"}\n\n";
    let chunks = || vec![Ok(Bytes::from(format!("{created}{delta}")))];
    let mut cut = chunks();
    cut.push(Err(io::Error::other("reset")));
    for chunks in [chunks(), cut] {
        let (_, record) = observe(RESPONSES, 200, "text/event-stream", chunks);
        assert_eq!(record.response, Some(("resp_1".into(), 1)));
    }
}

#[test]
fn an_event_over_the_cap_is_a_fault() {
    let long = format!("data: \"{}\"\n\n", "x".repeat(2000));
    assert_eq!(events(CHAT, &long).fault, Some(Fault::TooLarge(1 << 10)));
}

#[test]
fn a_broken_transport_is_a_fault_with_what_was_seen() {
    let chunks = vec![
        Ok(Bytes::from("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n")),
        Err(io::Error::other("reset")),
    ];
    let (_, record) = observe(CHAT, 200, "text/event-stream", chunks);
    assert_eq!((record.content, record.pieces), (true, 1));
    assert_eq!(record.fault, Some(Fault::Transport("reset".into())));
    assert_eq!(record.end, Some(BodyEnd::Error));
}

#[test]
fn a_transport_that_breaks_behind_the_finish_reason_does_no_harm() {
    let finish = "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n";
    let chunks = vec![Ok(Bytes::from(finish)), Err(io::Error::other("reset"))];
    let (passed, record) = observe(CHAT, 200, "text/event-stream", chunks);
    assert_eq!((&*passed, record.outcome()), (finish.as_bytes(), Some(Outcome::Success)));
}

#[test]
fn whole_answers() {
    let answer = r#"{"model":"m","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"tool_calls"}],
        "usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let record = json(CHAT, 200, answer);
    assert_eq!(record.outcome(), Some(Outcome::Success));
    assert_eq!(record.finish, Some(Finish::ToolCalls));
    assert_eq!((record.usage.unwrap().total(), record.pieces), (3, 1));
    for (text, says) in [
        ("", "empty"),
        (" <html>", "HTML"),
        ("{\"choices\":", "not JSON"),
        ("{}", "no choices"),
        ("{\"choices\":[]}", "no choices"),
        ("[]", "not JSON"),
    ] {
        assert!(malformed(&json(CHAT, 200, text)).contains(says), "{text}");
    }
    let record = json(CHAT, 200, r#"{"error":{"message":"no"}}"#);
    assert!(matches!(record.fault, Some(Fault::Upstream(_))));
}

#[test]
fn a_json_answer_over_the_cap_passes_unread() {
    let record = json(CHAT, 200, &"x".repeat(2000));
    assert_eq!((record.content, record.outcome()), (true, Some(Outcome::Success)));
}

#[test]
fn error_answers_are_read_on_any_path() {
    for path in [CHAT, RESPONSES, "/v1/embeddings"] {
        let record = json(path, 429, r#"{"error":{"code":"insufficient_quota","message":"pay"}}"#);
        assert_eq!(record.error.unwrap().code.as_deref(), Some("insufficient_quota"));
    }
    assert_eq!(json(CHAT, 503, "busy").outcome(), Some(Outcome::Fault));
    assert_eq!(json(CHAT, 400, "bad").outcome(), Some(Outcome::Neutral));
}

#[test]
fn an_error_that_is_cut_off_has_said_what_it_said() {
    let said = r#"{"error":{"code":"insufficient_quota","message":"pay"}}"#;
    let chunks = vec![Ok(Bytes::from(said)), Err(io::Error::other("reset"))];
    let (_, record) = observe(CHAT, 429, "application/json", chunks);
    assert_eq!(record.error.unwrap().code.as_deref(), Some("insufficient_quota"));
}

#[test]
fn other_paths_are_opaque() {
    let record = json("/v1/embeddings", 200, "<html>");
    assert_eq!((record.fault.clone(), record.outcome()), (None, Some(Outcome::Success)));
}

#[test]
fn responses_events() {
    let start = "event: response.created\n\
        data: {\"type\":\"response.created\",\"response\":{\"model\":\"m\",\"status\":\"in_progress\"}}\n\n";
    let delta = "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n";
    let end = |kind: &str, rest: &str| {
        format!(
            "data: {{\"type\":\"response.{kind}\",\"response\":{{\"status\":\"{kind}\"{rest}}}}}\n\n"
        )
    };
    assert!(!events(RESPONSES, start).content);
    assert!(events(RESPONSES, delta).content);
    assert_eq!(events(RESPONSES, &format!("{start}{delta}")).fault, Some(Fault::Unfinished));

    let usage = ",\"usage\":{\"input_tokens\":1,\"output_tokens\":2}";
    let record = events(RESPONSES, &format!("{start}{delta}{}", end("completed", usage)));
    assert_eq!((record.finish.clone(), record.fault.clone()), (Some(Finish::Stop), None));
    assert_eq!(record.usage.unwrap().total(), 3);
    assert_eq!(record.model.as_deref(), Some("m"));

    let reason = ",\"incomplete_details\":{\"reason\":\"max_output_tokens\"}";
    assert_eq!(events(RESPONSES, &end("incomplete", reason)).finish, Some(Finish::Length));
    for failed in [
        end("failed", ",\"error\":{\"code\":\"c\",\"message\":\"m\"}"),
        "data: {\"type\":\"error\",\"code\":\"c\",\"message\":\"m\"}\n\n".into(),
        "data: {\"type\":\"error\",\"error\":{\"code\":\"c\",\"message\":\"m\"}}\n\n".into(),
    ] {
        let Some(Fault::Upstream(error)) = events(RESPONSES, &failed).fault else {
            panic!("{failed}")
        };
        assert_eq!(error.to_string(), "c: m");
    }
}

#[test]
fn responses_answers() {
    let whole = r#"{"status":"completed","output":[{"type":"message"}],"error":null,"model":"m"}"#;
    let record = json(RESPONSES, 200, whole);
    assert_eq!((record.content, record.finish), (true, Some(Finish::Stop)));
    assert!(malformed(&json(RESPONSES, 200, "{}")).contains("no output"));
    let failed = r#"{"status":"failed","output":[],"error":{"message":"m"}}"#;
    assert!(matches!(json(RESPONSES, 200, failed).fault, Some(Fault::Upstream(_))));
}

#[tokio::test]
async fn a_reader_that_leaves_is_cancelled_unless_it_saw_the_finish() {
    let finish = "data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n";
    for (text, outcome) in [(": hi\n\n", Outcome::Cancelled), (finish, Outcome::Success)] {
        let exchange = Exchange::default();
        let upstream = service_fn(async |_: Request<()>| {
            let frames =
                [Ok::<_, Infallible>(Frame::data(Bytes::from(text))), Ok(Frame::data("".into()))];
            let body = StreamBody::new(stream::iter(frames));
            Response::builder().header("content-type", "text/event-stream").body(body)
        });
        let request = Request::post(CHAT).extension(exchange.clone()).body(()).unwrap();
        let response = ObserveLayer::new().layer(upstream).oneshot(request).await.unwrap();
        assert!(response.extensions().get::<Exchange>().is_some());
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        assert_eq!(exchange.record().outcome(), None);
        drop(body);
        assert_eq!(exchange.record().outcome(), Some(outcome));
    }
}

#[tokio::test]
async fn a_call_dropped_before_its_head_is_cancelled() {
    let exchange = Exchange::default();
    let upstream = service_fn(|_: Request<()>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    });
    let request = Request::post(CHAT).extension(exchange.clone()).body(()).unwrap();
    let mut call = tokio_test::task::spawn(ObserveLayer::new().layer(upstream).oneshot(request));
    assert!(call.poll().is_pending());
    drop(call);
    assert_eq!(exchange.record().outcome(), Some(Outcome::Cancelled));
}

#[tokio::test]
async fn it_keeps_the_contract() {
    contract::holds(ObserveLayer::new(), || Request::new(Buffered::from("{}"))).await;
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_facts(
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        end in prop_oneof![Just(""), Just("data: {\"error\":\"x\"}\n\n"), Just("data: {nonsense\r\n\r\n")],
    ) {
        let text = format!("\u{feff}: é\r\n\r\ndata: {{\"model\":\"ü\",\"choices\":[{{\"delta\":{{\"content\":\"\u{2028}\"}}}}]}}\r\
            \rdata: {{\"choices\":\ndata: [{{\"finish_reason\":\"stop\"}}]}}\n\n{end}data: [DONE]\n\n");
        let whole = events(CHAT, &text);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|cut| Ok(Bytes::copy_from_slice(&text.as_bytes()[cut[0]..cut[1]])));
        let (_, split) = observe(CHAT, 200, "text/event-stream", chunks.collect());
        prop_assert_eq!(whole, split);
    }

    #[test]
    fn what_is_familiar_says_the_same(
        deltas in prop::collection::vec((0..9usize, 0..8usize, any::<bool>()), 1..12),
        last in prop::sample::select(vec!["", "stop", "length"]),
    ) {
        const DELTAS: [&str; 9] = [
            r#""content":"T""#,
            r#""content":"T""#,
            r#""content":"","reasoning":"T""#,
            r#""content":"a","reasoning":"T""#,
            r#""content":[{"type":"text","text":"T"}]"#,
            r#""refusal":"T""#,
            r#""role":"T""#,
            r#""tool_calls":[{"index":0,"function":{"arguments":"T"}}]"#,
            r#""tool_calls":[{"index":0,"function":{"arguments":"T"}}]"#,
        ];
        // The last two are no inside of a string.
        const TEXTS: [&str; 8] = ["a", "b c", "", "é", "\\n", "\\ud83d", "\\x", "\""];
        let chunk = |&(delta, text, is_second): &(usize, usize, bool)| {
            let (index, delta) = (u32::from(is_second), DELTAS[delta].replace('T', TEXTS[text]));
            format!(r#"{{"choices":[{{"index":{index},"delta":{{{delta}}}}}]}}"#)
        };
        let mut chunks: Vec<_> = deltas.iter().map(chunk).collect();
        chunks.push(format!(r#"{{"choices":[{{"finish_reason":"{last}"}}]}}"#));
        // No chunk is like the one before where every other one has a blank more.
        let record = |blank: &str| {
            let lines = chunks.iter().zip(["", blank].into_iter().cycle());
            let lines = lines.map(|(chunk, blank)| format!("data: {blank}{chunk}\n\n"));
            events(CHAT, &format!("{}data: [DONE]\n\n", lines.collect::<String>()))
        };
        prop_assert_eq!(record(""), record(" "));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        for path in [CHAT, RESPONSES] {
            for status in [200, 500] {
                for content_type in ["text/event-stream", "application/json"] {
                    observe(path, status, content_type, vec![Ok(bytes.clone().into())]);
                }
            }
        }
    }
}
