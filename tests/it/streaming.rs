//! Answers pass byte for byte, and each piece passes as soon as it is there.

use std::net::SocketAddr;

use crate::support::{
    prompt::{Way, assert_prompt, gated},
    *,
};
use http::{HeaderValue, Response, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::json;
use tokio::task::JoinSet;

/// A stream whose first delta comes at once, and each of the others when the gate lets it through.
fn stepped(gate: &Gate, steps: usize) -> Reply {
    let begun = Reply::events().role().delta("first");
    let deltas = (0..steps).map(|step| step.to_string());
    deltas.fold(begun, |reply, text| reply.gate(gate).delta(&text)).finish("stop").done()
}

fn delta(event: &sse::Event) -> String {
    sse::text(&[event.json()])
}

/// Reads what comes without any gate.
async fn begin(response: Response<Incoming>) -> Events {
    let mut events = Events::new(response);
    assert_eq!(delta(&events.next().await), "");
    assert_eq!(delta(&events.next().await), "first");
    events
}

async fn stream(addr: SocketAddr, version: Version) -> Response<Incoming> {
    send_as(version, addr, post(CHAT, &ask_stream())).await
}

/// Everything that the standard allows and providers send, in one stream.
fn every_form() -> Vec<String> {
    let chunk = |delta: &str| json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": delta}}]});
    let megabyte = "x".repeat(1 << 20);
    vec![
        ": OPENROUTER PROCESSING\n\n".into(),
        format!("data: {}\n\n", chunk("plain")),
        format!("data: {}\r\n\r\n", chunk("CRLF")),
        format!("data:{}\n\n", chunk("no space")),
        format!("id: 7\nretry: 10\nunknown: field\ndata: {}\n\n", chunk("other fields")),
        ":\n\n:\r\n\r\n".into(),
        "data: {\"choices\": [{\"index\": 0,\ndata:  \"delta\": {\"content\":\ndata\ndata: \"lines\"}}]}\n\n"
            .into(),
        format!("data: {}\r\r", chunk("lone CR")),
        format!("data: {}\n\n", chunk("日本語 \u{2028} 🚂")),
        format!("data: {}\n\n", chunk(&megabyte)),
        "data: {\"choices\": [{\"index\": 0, \"delta\": {}, \"finish_reason\": \"stop\"}]}\n\n".into(),
        "data: [DONE]\n\n: bye\n\n".into(),
    ]
}

#[tokio::test]
async fn an_event_stream_passes_byte_for_byte() {
    let pieces = every_form();
    let whole = pieces.concat();
    let small = pieces.iter().filter(|piece| piece.len() < 1000).cloned().collect::<String>();
    let replies = [
        (pieces.into_iter().fold(Reply::events(), Reply::bytes), &whole),
        (Reply::events().bytes(whole.clone()), &whole),
        (Reply::events().bytes(small.clone()).byte_by_byte(), &small),
    ];
    for (reply, sent) in replies {
        let provider = always(reply).await;
        let gateway = Gateway::before(&provider).await;
        for version in VERSIONS {
            let response = stream(gateway.addr, version).await;
            assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
            assert_eq!(response.headers()["cache-control"], "no-cache");
            assert!(!response.headers().contains_key("content-length"));
            assert!(client::body(response).await == *sent, "{version:?}: not what was sent");
        }
    }
}

/// The provider writes no chunk before the test has read the one before it.
#[tokio::test]
async fn each_chunk_arrives_before_the_next_is_sent() {
    let gate = Gate::new();
    let provider = always(stepped(&gate, 10)).await;
    let gateway = Gateway::before(&provider).await;
    for version in VERSIONS {
        let mut events = begin(stream(gateway.addr, version).await).await;
        for step in 0..10 {
            gate.open_one();
            assert_eq!(delta(&events.next().await), step.to_string(), "{version:?}");
        }
        let rest = events.rest().await;
        assert!(rest.len() == 2 && rest[1].is_done(), "{rest:?}");
    }
}

/// They are there to keep something else from giving up.
#[tokio::test]
async fn keep_alive_comments_pass_at_once() {
    let provider = always(Reply::events().role().delta("first").comment("wait").stall()).await;
    let gateway = Gateway::before(&provider).await;
    let mut raw = Raw::connect(gateway.addr).await;
    raw.post(CHAT, &ask_stream().to_string()).await;
    raw.until(b"first").await.unwrap();
    raw.until(b": wait\n\n").await.unwrap();
}

/// A gateway that waits for acknowledgements takes 40 ms for a chunk.
#[tokio::test]
async fn no_chunk_waits_for_an_acknowledgement() {
    let gate = Gate::new();
    let provider = always(gated(&gate)).await;
    let gateway = Gateway::before(&provider).await;
    let (through, direct) = (gateway.addr, provider.addr());
    assert_prompt(Way::http1(through).await, 5, Way::http1(direct).await, &gate).await;
    assert_prompt(Way::http2(through).await, 5, Way::http2(direct).await, &gate).await;
}

#[tokio::test]
async fn a_plain_answer_keeps_its_length() {
    let answer =
        json!({"choices": [{"index": 0, "message": {"content": "é"}, "finish_reason": "stop"}]});
    let provider = always(Reply::json(&answer)).await;
    let gateway = Gateway::before(&provider).await;
    let mut raw = Raw::connect(gateway.addr).await;
    raw.post(CHAT, &ask().to_string()).await;
    let response = raw.response().await.unwrap();
    assert_eq!(response.all("content-length"), [answer.to_string().len().to_string()]);
    assert_eq!(response.header("transfer-encoding"), None);
    assert_eq!(response.body, answer.to_string().as_bytes());

    let response = send_h2(gateway.addr, post(CHAT, &ask())).await.unwrap();
    assert_eq!(response.headers()["content-length"], answer.to_string().len().to_string());
    assert_eq!(client::body(response).await, answer.to_string());
}

#[tokio::test]
async fn a_plain_answer_in_chunks_comes_whole() {
    let provider = always(Reply::chat(&"long ".repeat(50_000)).chunked()).await;
    let gateway = Gateway::before(&provider).await;
    let answer = client::json(send(gateway.addr, post(CHAT, &ask())).await).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "long ".repeat(50_000));
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_comes_whole() {
    let answer = "HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nuntil the end";
    let provider = always(Reply::fault(Fault::Raw(answer.into()))).await;
    let gateway = Gateway::before(&provider).await;
    let response = send(gateway.addr, post(EMBEDDINGS, &ask())).await;
    assert_eq!(response.status(), 200);
    assert_eq!(client::body(response).await, "until the end");
}

#[tokio::test]
async fn empty_answers_stay_empty() {
    let provider = provider(|request| match request.nth % 3 {
        0 => Reply::new(204),
        1 => Reply::new(200).sized(),
        _ => Reply::new(202).chunked(),
    })
    .await;
    let gateway = Gateway::before(&provider).await;
    let mut raw = Raw::connect(gateway.addr).await;
    for (status, length) in [(204, None), (200, Some("0")), (202, Some("0"))] {
        raw.post(EMBEDDINGS, &ask().to_string()).await;
        let response = raw.response().await.unwrap();
        assert_eq!((response.status, response.header("content-length")), (status, length));
        assert_eq!(response.header("transfer-encoding"), None);
        assert_eq!(response.body, b"");
    }
    for status in [204, 200, 202] {
        let response = send_h2(gateway.addr, post(EMBEDDINGS, &ask())).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(client::body(response).await, "");
    }
}

#[tokio::test]
async fn trailers_are_no_way_around_header_hygiene() {
    let provider = Canned::start(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\
         trailer: x-checksum\r\n\r\n5\r\nhello\r\n0\r\nx-checksum: 1\r\nset-cookie: a=b\r\n\r\n",
    )
    .await;
    let gateway = Gateway::at(&provider.base_url(), "").await;
    let mut raw = Raw::connect(gateway.addr).await;
    for _ in 0..2 {
        raw.post_with(EMBEDDINGS, "te: trailers\r\n", &ask().to_string()).await;
        assert_eq!(raw.response().await.unwrap().body, b"hello");
    }
    let response = send_h2(gateway.addr, post(EMBEDDINGS, &ask())).await.unwrap();
    let collected = soon(response.into_body().collect()).await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    assert_eq!(trailers.get("x-checksum").map(HeaderValue::as_bytes), Some(&b"1"[..]));
    assert!(!trailers.contains_key("set-cookie"), "{trailers:?}");
    assert_eq!(collected.to_bytes(), "hello");
}

/// Each of them gets its own answer, and none waits for another one.
#[tokio::test]
async fn forty_streams_at_once() {
    const STREAMS: usize = 40;
    for version in VERSIONS {
        let gate = Gate::new();
        let held = gate.clone();
        let provider = provider(move |request| {
            let name = request.json()["user"].to_string();
            Reply::events().role().delta(&name).gate(&held).delta(" done").finish("stop").done()
        })
        .await;
        let gateway = Gateway::before(&provider).await;
        let shared = H2::connect(gateway.addr).await.unwrap();
        let mut begun: JoinSet<_> = (0..STREAMS)
            .map(|name| begin_named(name, gateway.addr, shared.clone(), version))
            .collect();
        let mut streams = Vec::new();
        while let Some(stream) = begun.join_next().await {
            streams.push(stream.unwrap());
        }
        // All have begun, and not one of them could end.
        gate.open();
        for mut events in streams {
            assert_eq!(sse::text(&events.until_done().await), " done");
        }
    }
}

async fn begin_named(name: usize, addr: SocketAddr, shared: H2, version: Version) -> Events {
    let mut ask = ask_stream();
    ask["user"] = name.into();
    let request = post(CHAT, &ask);
    let response = match version {
        Version::HTTP_2 => shared.send(request).await.expect("an answer"),
        _ => send(addr, request).await,
    };
    let mut events = Events::new(response);
    events.next().await;
    assert_eq!(delta(&events.next().await), name.to_string());
    events
}
