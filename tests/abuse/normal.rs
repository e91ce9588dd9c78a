//! What well-behaved clients do, and have a right to expect.

use std::time::Duration;

use fastrand::Rng;
use http::Response;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    client::{Client, at_last},
    house::House,
    mix::Done,
    providers::{FATES, Fate, echo},
};
use switchtower_testkit::clients::CHAT;

/// A few requests over one connection.
pub(crate) async fn ask(house: &House, rng: &mut Rng, done: &Done) {
    let mut client = house.client(rng.bool());
    for _ in 0..rng.usize(1..6) {
        let (word, fate) = rng.choice(FATES).expect("some");
        let prompt = format!("{:x} {word}", rng.u64(..));
        match rng.u8(0..20) {
            0..7 => plain(&mut client, &prompt, done).await,
            7..13 => stream(&mut client, &prompt, fate, done).await,
            13..17 => responses(&mut client, &prompt, fate, done).await,
            17 => task(&mut client, &prompt, done).await,
            _ => events(&mut client, rng, done).await,
        }
    }
}

async fn plain(client: &mut Client, prompt: &str, done: &Done) {
    let request = json!({"model": "m", "messages": [{"role": "user", "content": prompt}]});
    let (status, answer) = client.json(CHAT, Some(&request)).await;
    let text = &answer["choices"][0]["message"]["content"];
    assert_eq!((status, text), (200, &json!(echo(prompt))), "{prompt}: {answer}");
    done.add("plain answers");
}

async fn stream(client: &mut Client, prompt: &str, fate: Fate, done: &Done) {
    let messages = json!([{"role": "user", "content": prompt}]);
    let request = json!({"model": "m", "stream": true, "messages": messages});
    let response = client.post(CHAT, &request).await;
    let events = read(response).await;
    let mut text = String::new();
    let mut end = None;
    for event in &events {
        assert_eq!(end, None, "{prompt}: it goes on: {event}");
        match serde_json::from_str::<Value>(event) {
            Ok(event) if event["error"].is_object() => end = Some(End::Broken(event)),
            Ok(chunk) => text += chunk["choices"][0]["delta"]["content"].as_str().unwrap_or(""),
            Err(_) if event == "[DONE]" => end = Some(End::Whole),
            Err(error) => panic!("{error}: {event}"),
        }
    }
    is_right(&text, end.as_ref(), prompt, fate);
    done.add(if end == Some(End::Whole) { "streams" } else { "streams that broke" });
}

async fn responses(client: &mut Client, prompt: &str, fate: Fate, done: &Done) {
    let request = json!({"model": "m", "stream": true, "input": prompt});
    let response = client.post("/v1/responses", &request).await;
    let events = read(response).await;
    let mut text = String::new();
    let mut end = None;
    for event in events.iter().filter(|event| *event != "[DONE]") {
        assert_eq!(end, None, "{prompt}: it goes on: {event}");
        let event: Value = serde_json::from_str(event).unwrap_or_else(|e| panic!("{e}: {event}"));
        match event["type"].as_str().expect("a type") {
            "response.output_text.delta" => text += event["delta"].as_str().expect("text"),
            "response.completed" => end = Some(End::Whole),
            "response.failed" | "error" => end = Some(End::Broken(event)),
            _ => {}
        }
    }
    is_right(&text, end.as_ref(), prompt, fate);
    done.add(if end == Some(End::Whole) { "responses" } else { "responses that broke" });
}

/// How a stream says that it ends.
#[derive(Debug, PartialEq)]
enum End {
    Whole,
    Broken(Value),
}

/// Whole, or broken where the provider broke it, and then it says so.
#[track_caller]
fn is_right(text: &str, end: Option<&End>, prompt: &str, fate: Fate) {
    let all = echo(prompt);
    match end {
        Some(End::Whole) => assert_eq!(text, all),
        Some(End::Broken(why)) => {
            let may_be = fate.may_break() && all.starts_with(text);
            assert!(may_be, "{prompt}: {text}: {why}");
        }
        None => panic!("{prompt}: it ends without a word: {text}"),
    }
}

/// The data of all events.
async fn read(response: Response<Incoming>) -> Vec<String> {
    let status = response.status();
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = at_last(body.frame()).await {
        // The last event says what broke; the transport may say it, too.
        let Ok(frame) = frame else { break };
        bytes.extend_from_slice(frame.data_ref().expect("data"));
    }
    let text = String::from_utf8(bytes).expect("text");
    assert_eq!(status, 200, "{text}");
    text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

async fn task(client: &mut Client, prompt: &str, done: &Done) {
    let request = json!({"target": "cat", "payload": {"task": prompt}});
    let (status, accepted) = client.json("/tasks", Some(&request)).await;
    assert_eq!(status, 202, "{accepted}");
    let path = format!("/tasks/{}", accepted["task_id"].as_str().expect("an id"));
    let ended = async {
        loop {
            let (status, task) = client.json(&path, None).await;
            match task["status"].as_str() {
                Some("pending" | "assigned" | "running") => {}
                // Only so many are kept.
                _ if status == 404 => return,
                _ => return assert_eq!(task["result"], prompt, "{task}"),
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    at_last(ended).await;
    done.add("tasks");
}

/// Listens for a while, in the middle of which an event is broadcast.
async fn events(client: &mut Client, rng: &mut Rng, done: &Done) {
    let mut body = client.get("/events").await.into_body();
    let wait = Duration::from_millis(rng.u64(50..1500));
    let listening = async {
        let mut text = String::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.expect("a whole stream");
            text += std::str::from_utf8(frame.data_ref().expect("data")).expect("text");
        }
        panic!("it ends: {text}");
    };
    let _: Result<(), _> = timeout(wait, listening).await;
    done.add("events");
}
