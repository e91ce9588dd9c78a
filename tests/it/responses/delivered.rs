//! What is stored is what was delivered, and what it costs to come back.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::responses::{
    desk::{Desk, question},
    script::{answer, messages, says, says_until},
    stored::{follow, listener},
    told::kind,
};
use crate::support::{
    CHAT, Events, Fault, Gate, Provider, Reply, always, ask, client, get, post, provider, send,
    soon,
};

fn files(home: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(home.join("data")) else { return Vec::new() };
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
    entries.map(|entry| name(entry).into_string().expect("text")).collect()
}

/// The id of the response that begins here, read up to its first words.
async fn begun(desk: &Desk) -> (String, Events) {
    let mut events = Events::new(desk.send(&question(true)).await);
    let id = events.next().await.json()["response"]["id"].as_str().expect("an id").to_owned();
    while kind(&events.next().await.json()) != "response.output_text.delta" {}
    (id, events)
}

async fn assert_unknown(desk: &Desk, provider: &Provider, id: &str) {
    let before = provider.received().len();
    assert_eq!(desk.look(id).await.0, 404);
    let seen = desk.ask(&follow(&json!({"id": id}), "two", false)).await;
    assert_eq!(seen.status, 404);
    assert_eq!(provider.received().len(), before);
}

#[tokio::test]
async fn who_has_left_cannot_come_back() {
    let gate = Gate::new();
    let reply = Reply::events().role().delta("Hel").gate(&gate).delta("lo").finish("stop").done();
    let provider = always(reply).await;
    let desk = Desk::before(&provider).await;
    let (id, events) = begun(&desk).await;
    drop(events);
    soon(provider.disconnected(1)).await;
    gate.open();
    assert_unknown(&desk, &provider, &id).await;
    assert_eq!(files(desk.home.path()), [""; 0]);
}

#[tokio::test]
async fn what_has_failed_is_nothing_to_go_on_from() {
    let said = || Reply::events().role().delta("Hel");
    for reply in [said(), said().cut(Fault::Reset), said().event(json!({"error": {"code": "x"}}))] {
        let provider = always(reply).await;
        let desk = Desk::before(&provider).await;
        let told = desk.told(&question(true)).await;
        assert_eq!(told.ending(), "response.failed");
        let id = told.response()["id"].as_str().expect("an id").to_owned();
        assert_unknown(&desk, &provider, &id).await;
        assert_eq!(files(desk.home.path()), [""; 0]);
    }
}

/// A client may come back at once with the id that it has just read.
#[tokio::test]
async fn what_was_cut_short_can_be_gone_on_from() {
    let provider = provider(|request| match messages(&request).len() {
        1 => says_until(&request, answer("Once upon"), "length"),
        _ => says(&request, answer(" a time.")),
    })
    .await;
    let desk = Desk::before(&provider).await;
    for stream in [false, true] {
        let first = desk.response(&question(stream)).await;
        assert_eq!(first["status"], "incomplete");
        assert_eq!(desk.response(&follow(&first, "Go on.", stream)).await["status"], "completed");
    }
}

#[tokio::test]
async fn nobody_is_kept_waiting_between_turns() {
    let provider = listener().await;
    let desk = Desk::before(&provider).await;
    let started = Instant::now();
    let mut last = desk.response(&question(true)).await;
    for turn in 1..=25 {
        last = desk.response(&follow(&last, "on", turn % 2 == 0)).await;
    }
    // The client does not see the store's timeout, which is two seconds each time.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(messages(&provider.received().pop().expect("a request")).len(), 51);
}

#[tokio::test]
async fn without_responses_nothing_is_written() {
    let provider = provider(|request| says(&request, answer("Hi"))).await;
    let desk = Desk::before(&provider).await;
    assert_eq!(send(desk.addr(), post(CHAT, &ask())).await.status(), 200);
    assert_eq!(send(desk.addr(), get("/v1/models")).await.status(), 200);
    assert_eq!(desk.look("resp_unknown").await.0, 404);
    assert_eq!(desk.ask(&follow(&json!({"id": "resp_unknown"}), "Hi", false)).await.status, 404);
    assert!(!desk.home.path().join("data").exists(), "{:?}", files(desk.home.path()));
}

/// Only what is asked of a model counts.
#[tokio::test]
async fn to_look_at_what_is_stored_costs_nothing() {
    let provider = listener().await;
    let budgets = "budgets: {default: {requests_per_month: 3, tokens_per_day: 100000}}";
    let desk = Desk::with(&[("chat", &provider)], budgets).await;
    let counts = async || -> (Value, Value) {
        let answer = send(desk.addr(), get("/model-gateway/budgets")).await;
        let standing = client::json(answer).await["127.0.0.1"].take();
        (standing["requests_per_month"].clone(), standing["tokens_per_day"].clone())
    };
    let first = desk.response(&question(false)).await;
    let id = first["id"].as_str().expect("an id");
    let before = counts().await;
    assert_eq!((&before.0["used"], &before.1["used"]), (&1.into(), &12.into()));
    for path in [id.to_owned(), format!("{id}/input_items"), "resp_unknown".into()] {
        desk.look(&path).await;
    }
    assert_eq!(desk.ask(&follow(&json!({"id": "resp_unknown"}), "Hi", true)).await.status, 404);
    assert_eq!(counts().await, before);
    for stream in [true, false] {
        desk.response(&follow(&first, "two", stream)).await;
    }
    let spent = desk.ask(&question(false)).await;
    assert_eq!((spent.status.as_u16(), &spent.error()["code"]), (429, &"QUOTA_EXHAUSTED".into()));
    assert_eq!(desk.look(id).await.0, 200, "it can be read all the same");
    assert_eq!(counts().await.1["used"], 36);
}
