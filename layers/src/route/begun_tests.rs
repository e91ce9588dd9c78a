//! Responses streams whose head leaves before there is an answer, before providers that are
//! translated and providers that are not.

use std::{convert::Infallible, sync::Arc};

use http::{Method, Request};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::{failover_tests::*, *};
use crate::{
    Buffered, Dialect, Target,
    observe::ObserveLayer,
    responses::{
        ResponsesLayer,
        store::{MemoryStore, StoreLayer},
    },
};

const NATIVE: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_native\",\"created_at\":1,\"status\":\"in_progress\",\"output\":[]}}\n\n\
    event: response.in_progress\ndata: {\"type\":\"response.in_progress\",\"sequence_number\":1,\"response\":{\"id\":\"resp_native\",\"created_at\":1,\"status\":\"in_progress\",\"output\":[]}}\n\n";
const NATIVE_DELTA: &str = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":2,\"item_id\":\"msg_1\",\"delta\":\"native\"}\n\n";
const NATIVE_END: &str = "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":3,\"response\":{\"id\":\"resp_native\",\"created_at\":1,\"status\":\"completed\",\"output\":[{\"type\":\"message\",\"id\":\"msg_1\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"native\",\"annotations\":[]}]}]}}\n\n";

/// Providers `a` and `b`, which speak these.
fn table(dialects: [Dialect; 2]) -> RoutingTable {
    let [a, b] = dialects;
    let builder = RoutingTable::builder();
    let builder = builder.provider(Provider::new("a").dialect(a).alias("m", "m-at-a"));
    builder.provider(Provider::new("b").dialect(b).alias("m", "m-at-b")).build().unwrap()
}

/// What a client of the whole stack sees, and when.
struct Client {
    frames: Vec<(u64, String)>,
}

struct Stack {
    state: StoreLayer,
    route: RouteLayer,
    sent: Arc<Mutex<Vec<Value>>>,
}

impl Stack {
    fn new(dialects: [Dialect; 2]) -> Self {
        let route = RouteLayer::new(table(dialects));
        Self { state: StoreLayer::new(MemoryStore::default()), route, sent: Arc::default() }
    }

    async fn ask(
        &self,
        body: Value,
        script: impl Fn(&str) -> Answer + Clone + Send + 'static,
    ) -> Client {
        let sent = self.sent.clone();
        let targets = service_fn(move |request: Request<Buffered>| {
            let target = request.extensions().get::<Target>().unwrap().clone();
            let body = serde_json::from_slice(&request.body().to_bytes()).unwrap();
            sent.lock().push(body);
            let answer = script(&target.provider);
            async { Ok::<_, Infallible>(answer) }
        });
        let inner = ResponsesLayer::new().layer(ObserveLayer::new().layer(targets));
        let service = self.state.layer(self.route.layer(inner));
        let request = Request::post("/v1/responses").body(Buffered::from(body.to_string()));
        let start = Instant::now();
        let response = service.oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        let mut body = std::pin::pin!(response.into_body());
        let mut frames = Vec::new();
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            let text = String::from_utf8(data.to_vec()).unwrap();
            frames.push((start.elapsed().as_secs(), text));
        }
        Client { frames }
    }

    async fn stored(&self, id: &str) -> u16 {
        let unused = service_fn(async |_: Request<Buffered>| Ok::<_, Infallible>(json(500, "")));
        let request = Request::builder().method(Method::GET).uri(format!("/v1/responses/{id}"));
        let request = request.body(Buffered::default()).unwrap();
        self.state.layer(unused).oneshot(request).await.unwrap().status().as_u16()
    }
}

impl Client {
    fn text(&self) -> String {
        self.frames.iter().map(|(_, text)| &**text).collect()
    }

    /// All events, whose numbers have no gaps and whose responses have one id and one time.
    fn events(&self) -> Vec<Value> {
        let text = self.text();
        assert!(!text.contains("\n\n\n") && !text.contains("keep-alive\n\n"), "{text}");
        let data = text.lines().filter_map(|line| line.strip_prefix("data: {"));
        let events: Vec<Value> =
            data.map(|data| serde_json::from_str(&format!("{{{data}")).unwrap()).collect();
        let first = &events[0]["response"];
        for (number, event) in events.iter().enumerate() {
            assert_eq!(event["sequence_number"], number, "{text}");
            if let Some(response) = event.get("response") {
                assert_eq!(response["id"], first["id"], "{text}");
                assert_eq!(response["created_at"], first["created_at"], "{text}");
            }
        }
        let is_terminal = |event: &Value| {
            ["response.completed", "response.incomplete", "response.failed"]
                .contains(&event["type"].as_str().unwrap())
        };
        assert_eq!(events.iter().position(is_terminal), Some(events.len() - 1), "{text}");
        events
    }

    /// The types, without `response.`; heartbeats only once.
    fn types(&self) -> Vec<String> {
        let mut types: Vec<_> = self
            .events()
            .iter()
            .map(|event| event["type"].as_str().unwrap().replace("response.", ""))
            .collect();
        types.dedup();
        types
    }

    /// When an event or comment of this kind came.
    fn times(&self, what: &str) -> Vec<u64> {
        let found = self.frames.iter().filter(|(_, text)| text.contains(what));
        found.map(|(at, _)| *at).collect()
    }

    fn end(&self) -> Value {
        self.events().pop().unwrap()["response"].clone()
    }
}

fn question() -> Value {
    json!({"model": "m", "input": "Hi", "stream": true})
}

const CREATED: &str = "event: response.created\n";
const IN_PROGRESS: &str = "event: response.in_progress\n";
const ALIVE: &str = ": keep-alive\n";

#[tokio::test(start_paused = true)]
async fn a_translated_stream_begins_before_its_answer_and_goes_on_with_it() {
    let stack = Stack::new([Dialect::Chat, Dialect::Chat]);
    let seen = stack
        .ask(question(), |_| events(&[Pause(50), Data(ROLE), Pause(11), Data(DELTA), Data(FINISH)]))
        .await;
    assert_eq!(seen.times(CREATED), [15]);
    assert_eq!(seen.times(IN_PROGRESS), [15, 30, 45, 60]);
    assert_eq!(seen.times(ALIVE), [15, 30, 45, 60]);
    let types = seen.types();
    assert_eq!(types[..3], ["created", "in_progress", "output_item.added"]);
    assert_eq!(types.last().unwrap(), "completed");
    assert!(seen.text().ends_with("data: [DONE]\n\n"));
    assert_eq!(seen.events()[0]["response"]["model"], "m-at-a");

    // It is stored as what the client has seen.
    let end = seen.end();
    let id = end["id"].as_str().unwrap();
    assert_eq!(stack.stored(id).await, 200);
    let next = json!({"model": "m", "input": "Go on.", "stream": true, "previous_response_id": id});
    stack.ask(next, |_| events(&[Data(DELTA), Data(FINISH)])).await;
    let sent = stack.sent.lock().pop().unwrap();
    let messages: Vec<_> =
        sent["messages"].as_array().unwrap().iter().map(|m| m["content"].clone()).collect();
    assert_eq!(messages, ["Hi", "a", "Go on."]);
}

#[tokio::test(start_paused = true)]
async fn a_short_hold_changes_nothing() {
    let stack = Stack::new([Dialect::Chat, Dialect::Chat]);
    let seen = stack.ask(question(), |_| events(&[Pause(14), Data(DELTA), Data(FINISH)])).await;
    assert_eq!((seen.times(ALIVE).len(), seen.times(CREATED)), (0, vec![14]));
    assert_eq!(seen.types()[..3], ["created", "in_progress", "output_item.added"]);
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_through_failover_to_whatever_target() {
    for second in [Dialect::Chat, Dialect::Responses] {
        let stack = Stack::new([Dialect::Chat, second]);
        let seen = stack
            .ask(question(), move |provider| match (provider, second) {
                ("a", _) => events(&[Pause(40), Data(ERROR)]),
                (_, Dialect::Chat) => events(&[Pause(20), Data(DELTA), Pause(50), Data(FINISH)]),
                (_, Dialect::Responses) => events(&[
                    Pause(20),
                    Data(NATIVE),
                    Data(NATIVE_DELTA),
                    Pause(50),
                    Data(NATIVE_END),
                ]),
            })
            .await;
        assert_eq!(seen.times(CREATED), [15]);
        let types = seen.types();
        assert_eq!(types[..2], ["created", "in_progress"]);
        assert_eq!(types.last().unwrap(), "completed");
        // With any target: no reader waits for an event for more than 30 s.
        let times = seen.times("event: ");
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 30), "{times:?}");
        assert_eq!(*times.last().unwrap(), 110);
        let end = seen.end();
        assert_eq!(stack.stored(end["id"].as_str().unwrap()).await, 200);
        assert_eq!(stack.stored("resp_native").await, 404);
        let text = &end["output"][0]["content"][0]["text"];
        assert_eq!(text, if second == Dialect::Chat { "a" } else { "native" });
    }
}

#[tokio::test(start_paused = true)]
async fn a_native_stream_gets_comments_only() {
    let stack = Stack::new([Dialect::Responses, Dialect::Chat]);
    let seen = stack
        .ask(question(), |_| {
            events(&[Pause(50), Data(NATIVE), Data(NATIVE_DELTA), Pause(50), Data(NATIVE_END)])
        })
        .await;
    let text = seen.text();
    assert_eq!(text, [&ALIVE.repeat(3), NATIVE, NATIVE_DELTA, NATIVE_END].concat());
    assert_eq!(stack.stored("resp_native").await, 200);
}

#[tokio::test(start_paused = true)]
async fn behind_a_native_target_the_stream_begins_with_the_translated_one() {
    let stack = Stack::new([Dialect::Responses, Dialect::Chat]);
    let seen = stack
        .ask(question(), |provider| match provider {
            "a" => events(&[Pause(40), Data(NATIVE), Cut]),
            _ => events(&[Pause(10), Data(DELTA), Data(FINISH)]),
        })
        .await;
    assert_eq!(seen.times(ALIVE), [15, 30, 40]);
    assert_eq!(seen.times(CREATED), [40]);
    assert_eq!(seen.events()[0]["response"]["model"], "m-at-b");
    assert_eq!(seen.types().last().unwrap(), "completed");
}

#[tokio::test(start_paused = true)]
async fn failure_has_the_id_that_was_begun() {
    type Scripted = fn() -> Answer;
    let ends: [(Scripted, &str); 5] = [
        (|| events(&[Pause(20), Cut]), "server_error"),
        (|| answer(429, "application/json", &[Pause(20), Data("{}")]), "rate_limit_exceeded"),
        (|| answer(400, "application/json", &[Pause(20), Data("{}")]), "invalid_prompt"),
        (|| answer(200, "text/html", &[Pause(20), Data("<html>")]), "server_error"),
        // After commit, in the translator's words.
        (|| events(&[Pause(20), Data(DELTA), Cut]), "server_error"),
    ];
    for (end, code) in ends {
        let stack = Stack::new([Dialect::Chat, Dialect::Chat]);
        let seen = stack.ask(question(), move |_| end()).await;
        let types = seen.types();
        assert_eq!(types[..2], ["created", "in_progress"]);
        assert_eq!(types.last().unwrap(), "failed");
        assert_eq!(seen.end()["error"]["code"], code, "{}", seen.text());
        assert!(seen.text().ends_with("data: [DONE]\n\n"));
    }
    // A native answer that breaks after commit.
    let stack = Stack::new([Dialect::Chat, Dialect::Responses]);
    let seen = stack
        .ask(question(), |provider| match provider {
            "a" => events(&[Pause(20), Cut]),
            _ => events(&[Data(NATIVE), Data(NATIVE_DELTA), Cut]),
        })
        .await;
    assert_eq!(seen.types(), ["created", "in_progress", "output_text.delta", "failed"]);
}
