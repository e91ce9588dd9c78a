//! A Responses stream, held against its grammar.

use std::collections::HashMap;

use http::Response;
use hyper::body::Incoming;
use serde_json::Value;

use crate::support::{
    Events,
    sse::{self, Event},
};

const TERMINAL: [&str; 3] = ["response.completed", "response.incomplete", "response.failed"];

/// All events but `[DONE]`.
#[derive(Debug)]
pub(crate) struct Told(pub(crate) Vec<Value>);

impl Told {
    /// Reads to the end.
    pub(crate) async fn read(response: Response<Incoming>) -> Self {
        Self::rest(&mut Events::new(response), Vec::new()).await
    }

    /// Reads to the end, behind what was read already.
    pub(crate) async fn rest(events: &mut Events, before: Vec<Event>) -> Self {
        let mut all = before;
        all.extend(events.rest().await);
        assert!(all.pop().is_some_and(|last| last.is_done()), "no [DONE] at the end");
        Self::checked(&all)
    }

    /// All events, up to the terminal one.
    fn checked(events: &[sse::Event]) -> Self {
        let json: Vec<Value> = events
            .iter()
            .map(|event| {
                let json = event.json();
                assert_eq!(event.name.as_deref(), json["type"].as_str());
                json
            })
            .collect();
        for (number, event) in json.iter().enumerate() {
            assert_eq!(event["sequence_number"], number, "{event}");
        }
        let terminal = json.iter().position(|event| TERMINAL.contains(&kind(event)));
        assert_eq!(terminal, Some(json.len() - 1), "one terminal event, at the end: {json:#?}");
        assert_eq!(kind(&json[0]), "response.created");
        assert_eq!(kind(&json[1]), "response.in_progress");
        let told = Self(json);
        let wholes: Vec<_> = told.0.iter().filter(|event| !event["response"].is_null()).collect();
        assert!(wholes.len() >= 3);
        for whole in &wholes {
            assert_eq!(whole["response"]["id"], told.0[0]["response"]["id"]);
        }
        // In the middle only the beginning may be repeated, by heartbeats.
        for whole in &wholes[1..wholes.len() - 1] {
            assert_eq!(kind(whole), "response.in_progress");
            assert_eq!(whole["response"], wholes[1]["response"]);
        }
        told.check_items();
        told
    }

    /// Every item is added, is done under the same id, and stands in the end as it was done.
    fn check_items(&self) {
        let mut open = HashMap::new();
        let mut done = Vec::new();
        for event in &self.0 {
            let at = event["output_index"].as_u64();
            match kind(event) {
                "response.output_item.added" => {
                    assert_eq!(at, Some((open.len() + done.len()) as u64));
                    open.insert(at, event["item"]["id"].clone());
                }
                "response.output_item.done" => {
                    assert_eq!(open.remove(&at), Some(event["item"]["id"].clone()));
                    done.push((at, event["item"].clone()));
                }
                _ if at.is_some() => assert_eq!(open.get(&at), Some(&event["item_id"]), "{event}"),
                _ => {}
            }
        }
        let end = self.0.last().expect("a terminal event");
        assert!(open.is_empty() || kind(end) == "response.failed", "never done: {open:?}");
        done.sort_by_key(|(at, _)| *at);
        let items: Vec<_> = done.into_iter().map(|(_, item)| item).collect();
        assert_eq!(end["response"]["output"], Value::Array(items));
    }

    /// The response as the terminal event has it.
    pub(crate) fn response(&self) -> Value {
        self.0.last().expect("a terminal event")["response"].clone()
    }

    /// The type of the terminal event.
    pub(crate) fn ending(&self) -> &str {
        kind(self.0.last().expect("a terminal event"))
    }

    /// The events of this type.
    pub(crate) fn of<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |event| kind(event) == wanted)
    }

    /// What the deltas of this type add up to.
    pub(crate) fn deltas(&self, wanted: &str) -> String {
        self.of(wanted).map(|event| event["delta"].as_str().expect("a text")).collect()
    }
}

pub(crate) fn kind(event: &Value) -> &str {
    event["type"].as_str().expect("a type")
}
