//! Streams whose head leaves before any provider has answered.

use http::Response;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::json;

use crate::responses::{
    desk::{Desk, question, text},
    dialects::native,
    script::{answer, last, messages, says},
    told::Told,
};
use crate::support::{Events, Gate, Provider, Reply, post, provider, send, soon, sse::Event};

/// No retries, and a hold that is soon over.
const SHORT_HOLD: &str = "timeouts: {hold_ms: 50}\nretry: {max_retries: 0}";

/// Says this once the gate is open, if it is asked to wait; everything else at once.
async fn slow(gate: &Gate, reply: impl Fn() -> Reply + Send + Sync + 'static) -> Provider {
    let gate = gate.clone();
    provider(move |request| match last(&request).as_str() {
        "Hi" => reply().when(&gate),
        _ => says(&request, answer("And on.")),
    })
    .await
}

/// Asks, and waits for the first two events.
async fn begun(desk: &Desk) -> (Events, Vec<Event>) {
    let mut events = Events::new(desk.send(&question(true)).await);
    let before = vec![events.next().await, events.next().await];
    assert_eq!(before[0].name.as_deref(), Some("response.created"));
    assert_eq!(before[1].name.as_deref(), Some("response.in_progress"));
    (events, before)
}

/// The answer goes on from what was begun, and is stored under the id that was seen.
async fn goes_on(desk: &Desk, asked: &Provider, gate: &Gate, says: &str) {
    let (mut events, before) = begun(desk).await;
    let id = before[0].json()["response"]["id"].clone();
    gate.open();
    let told = Told::rest(&mut events, before).await;
    assert_eq!(told.ending(), "response.completed");
    let response = told.response();
    assert_eq!((&response["id"], &*text(&response)), (&id, says));
    let id = id.as_str().expect("an id");
    let (status, stored) = desk.look(id).await;
    assert_eq!((status.as_u16(), &stored["id"]), (200, &json!(id)));
    let next = json!({"model": "a/m", "input": "Go on.", "previous_response_id": id});
    assert_eq!(text(&desk.response(&next).await), "And on.");
    let sent = messages(&asked.received().pop().expect("a request"));
    let said: Vec<_> = sent.iter().map(|message| message["content"].as_str()).collect();
    assert_eq!(said, [Some("Hi"), Some(says), Some("Go on.")]);
}

#[tokio::test]
async fn a_translated_stream_begins_before_its_provider() {
    let gate = Gate::new();
    let a = slow(&gate, || Reply::events().role().delta("Hello").finish("stop").done()).await;
    let desk = Desk::with(&[("chat", &a)], SHORT_HOLD).await;
    goes_on(&desk, &a, &gate, "Hello").await;
}

#[tokio::test]
async fn it_goes_on_through_failover() {
    let gate = Gate::new();
    let a = slow(&gate, || Reply::error(503, "overloaded")).await;
    let b = provider(|request| says(&request, answer("Hello"))).await;
    let desk = Desk::with(&[("chat", &a), ("chat", &b)], SHORT_HOLD).await;
    goes_on(&desk, &a, &gate, "Hello").await;
    assert_eq!(b.received().len(), 1);
}

#[tokio::test]
async fn it_goes_on_with_a_native_answer() {
    let gate = Gate::new();
    let a = slow(&gate, || Reply::error(503, "overloaded")).await;
    let b = provider(|_| native(true)).await;
    let desk = Desk::with(&[("chat", &a), ("responses", &b)], SHORT_HOLD).await;
    let (mut events, mut all) = begun(&desk).await;
    gate.open();
    all.extend(events.rest().await);
    assert!(all.pop().is_some_and(|last| last.is_done()));
    let events: Vec<_> = all.iter().map(Event::json).collect();
    let response = &events[0]["response"];
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
        let of = event.get("response").unwrap_or(response);
        assert_eq!((&of["id"], &of["created_at"]), (&response["id"], &response["created_at"]));
    }
    let kinds: Vec<_> = all.iter().skip(2).filter_map(|event| event.name.as_deref()).collect();
    let answer = kinds.iter().skip_while(|kind| **kind == "response.in_progress");
    assert!(answer.eq(&["response.output_text.delta", "response.completed"]), "{kinds:?}");
    let id = response["id"].as_str().expect("an id");
    assert_eq!(desk.look(id).await.1["output"][0]["id"], "msg_native");
    assert_eq!(desk.look("resp_native").await.0, 404);
}

#[tokio::test]
async fn failure_has_the_id_that_was_seen() {
    let gate = Gate::new();
    let a = slow(&gate, || Reply::error(500, "broken")).await;
    let desk = Desk::with(&[("chat", &a)], SHORT_HOLD).await;
    let (mut events, before) = begun(&desk).await;
    gate.open();
    let told = Told::rest(&mut events, before).await;
    assert_eq!(told.ending(), "response.failed");
    assert_eq!(told.response()["error"]["code"], "server_error");
}

/// Opens the gate once a comment has come, and gives what comes behind it.
async fn behind_a_comment(answer: Response<Incoming>, gate: &Gate) -> String {
    let mut body = answer.into_body();
    let first = soon(body.frame()).await.expect("a frame").expect("bytes");
    assert_eq!(first.into_data().expect("data"), ": keep-alive\n");
    gate.open();
    let rest = soon(body.collect()).await.expect("a whole body").to_bytes();
    let rest = String::from_utf8(rest.to_vec()).expect("text");
    rest.trim_start_matches(": keep-alive\n").to_owned()
}

#[tokio::test]
async fn native_and_chat_streams_get_comments_only() {
    let gate = Gate::new();
    let held = gate.clone();
    let a = provider(move |_| native(true).when(&held)).await;
    let desk = Desk::with(&[("responses", &a)], SHORT_HOLD).await;
    let rest = behind_a_comment(desk.send(&question(true)).await, &gate).await;
    assert_eq!(rest.as_bytes(), native(true).body());

    let gate = Gate::new();
    let hello = || Reply::events().delta("Hello").finish("stop").done();
    let a = slow(&gate, hello).await;
    let desk = Desk::with(&[("chat", &a)], SHORT_HOLD).await;
    let ask =
        json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hi"}]});
    let answer = send(desk.addr(), post("/v1/chat/completions", &ask)).await;
    let rest = behind_a_comment(answer, &gate).await;
    assert!(rest.starts_with("data: {") && rest.contains("Hello"), "{rest}");
}
