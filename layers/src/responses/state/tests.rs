use std::{convert::Infallible, io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use parking_lot::Mutex;
use proptest::prelude::*;
use serde_json::{Value, json};
use static_assertions::assert_impl_all;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::{Buffered, Code, Rejected, contract};

assert_impl_all!(StateLayer: Send, Sync, Clone);
assert_impl_all!(State<()>: Send, Sync, Clone);
assert_impl_all!(StateBody<Full<Bytes>>: Send, Sync);
assert_impl_all!(MemoryStore: Send, Sync, Clone);

const ALL: &str = "/v1/responses";

/// What the provider answers: type of content and chunks.
pub(super) type Script = (u16, &'static str, Vec<Result<Bytes, io::ErrorKind>>);

/// A provider that notes what it is asked, in front of it the layer.
pub(super) struct App<T = MemoryStore> {
    pub(super) store: T,
    layer: StateLayer,
    asked: Arc<Mutex<Vec<Request<Buffered>>>>,
}

pub(super) type Answer = Response<crate::body::ResponseBody<StateBody<Chunks>>>;
type Chunks = StreamBody<stream::Iter<std::vec::IntoIter<io::Result<Frame<Bytes>>>>>;

impl Default for App {
    fn default() -> Self {
        Self::new(MemoryStore::default())
    }
}

impl<T: Store + Clone> App<T> {
    pub(super) fn new(store: T) -> Self {
        let layer = StateLayer::new(store.clone());
        Self { store, layer, asked: Arc::default() }
    }

    pub(super) async fn send(&self, request: Request<Buffered>, script: Script) -> Answer {
        let (asked, (status, kind, chunks)) = (self.asked.clone(), script);
        let provider = service_fn(move |request: Request<Buffered>| {
            asked.lock().push(request);
            let chunks = chunks.iter().cloned();
            let chunks = chunks.map(|chunk| chunk.map(Frame::data).map_err(io::Error::from));
            let body = StreamBody::new(stream::iter(chunks.collect::<Vec<_>>()));
            let answer = Response::builder().status(status).header("content-type", kind).body(body);
            async { Ok::<_, Infallible>(answer.unwrap()) }
        });
        self.layer.layer(provider).oneshot(request).await.unwrap()
    }

    /// Asks for a response, which is delivered under this id with one message.
    async fn create(&self, id: &str, body: Value) -> Value {
        let answer = self.send(post(&body), plain(&response(id))).await;
        assert_eq!(answer.status(), 200);
        read(answer).await
    }

    async fn manage(&self, method: Method, path: &str) -> (u16, Value) {
        let request = Request::builder().method(method).uri(format!("{ALL}/{path}"));
        self.respond(request.body(Buffered::default()).unwrap()).await
    }

    async fn respond(&self, request: Request<Buffered>) -> (u16, Value) {
        let answer = self.send(request, plain(&json!("inner"))).await;
        (answer.status().as_u16(), read(answer).await)
    }

    /// The last body that came in to the provider.
    fn last(&self) -> Value {
        serde_json::from_slice(&self.last_request().body().to_bytes()).unwrap()
    }

    fn last_request(&self) -> Request<Buffered> {
        self.asked.lock().last().unwrap().clone()
    }

    fn calls(&self) -> usize {
        self.asked.lock().len()
    }
}

pub(super) fn post(body: &Value) -> Request<Buffered> {
    Request::post(ALL).body(Buffered::from(body.to_string())).unwrap()
}

fn by(owner: &str, mut request: Request<Buffered>) -> Request<Buffered> {
    request.extensions_mut().insert(Owner(owner.into()));
    request
}

pub(super) fn plain(value: &Value) -> Script {
    (200, "application/json", vec![Ok(value.to_string().into())])
}

fn says(id: &str) -> Value {
    json!({"type": "message", "id": format!("msg_of_{id}"), "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "Hi", "annotations": []}]})
}

pub(super) fn response(id: &str) -> Value {
    json!({"id": id, "object": "response", "status": "completed", "output": [says(id)]})
}

/// A stream as the API has it, which ends with this event.
pub(super) fn events(last: &str, response: &Value) -> String {
    let created =
        json!({"type": "response.created", "response": {"id": response["id"], "output": []}});
    let delta = json!({"type": "response.output_text.delta", "delta": "\"response.completed\""});
    let last_event = json!({"type": last, "response": response});
    format!(
        "event: response.created\ndata: {created}\n\n: keep-alive\n\nevent: response.output_text.delta\n\
         data: {delta}\n\nevent: {last}\ndata: {last_event}\n\ndata: [DONE]\n\n"
    )
}

fn stream_of(text: &str) -> Script {
    (200, "text/event-stream", vec![Ok(text.to_owned().into())])
}

pub(super) async fn read(answer: Answer) -> Value {
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

fn user(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": text})
}

fn ask(text: &str) -> Value {
    json!({"model": "m", "input": text})
}

fn after(id: &str, input: Value) -> Value {
    json!({"model": "m", "previous_response_id": id, "input": input})
}

#[tokio::test]
async fn the_previous_response_means_its_input_and_its_output() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    app.create("resp_2", after("resp_1", json!([user("two")]))).await;
    let second = app.last_request();
    assert_eq!(second.extensions().get(), Some(&PreviousResponse("resp_1".into())));
    assert_eq!(
        app.last(),
        json!({"model": "m", "input": [user("one"), says("resp_1"), user("two")]})
    );

    // A chain, and a branch of it.
    app.create("resp_3", after("resp_2", json!("three"))).await;
    let chain = [user("one"), says("resp_1"), user("two"), says("resp_2"), user("three")];
    assert_eq!(app.last()["input"], json!(chain));
    app.create("resp_4", after("resp_1", json!("else"))).await;
    assert_eq!(app.last()["input"], json!([user("one"), says("resp_1"), user("else")]));
}

#[tokio::test]
async fn what_came_before_may_be_deleted() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    app.create("resp_2", after("resp_1", json!("two"))).await;
    assert_eq!(app.manage(Method::DELETE, "resp_1").await.0, 200);
    app.create("resp_3", after("resp_2", json!("three"))).await;
    assert_eq!(app.last()["input"][1], says("resp_1"));
}

#[tokio::test]
async fn reasoning_is_kept_with_what_is_sealed_in_it() {
    let app = App::default();
    let reasoning =
        json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "st1.x", "summary": []});
    let mut answer = response("resp_1");
    answer["output"] = json!([reasoning, says("resp_1")]);
    read(app.send(post(&ask("one")), plain(&answer)).await).await;
    app.create("resp_2", after("resp_1", json!("two"))).await;
    assert_eq!(app.last()["input"][1], reasoning);
}

#[tokio::test]
async fn instructions_are_not_inherited() {
    let app = App::default();
    app.create("resp_1", json!({"input": "one", "instructions": "Be brief."})).await;
    app.create("resp_2", after("resp_1", json!("two"))).await;
    assert_eq!(app.last().get("instructions"), None);
}

#[tokio::test]
async fn an_unknown_previous_response_is_404_before_any_call() {
    let app = App::default();
    let (status, error) = app.respond(post(&after("resp_0", json!("one")))).await;
    assert_eq!(status, 404);
    assert_eq!(error["error"]["code"], "previous_response_not_found");
    assert_eq!(error["error"]["param"], "previous_response_id");
    assert_eq!(error["error"]["type"], "invalid_request_error");
    assert!(error["error"]["message"].as_str().unwrap().contains("'resp_0'"));
    assert_eq!(app.calls(), 0);
}

#[tokio::test]
async fn wrong_fields_are_400_before_any_call() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    for (body, param) in [
        (json!({"input": "a", "previous_response_id": 1}), "previous_response_id"),
        (json!({"input": "a", "previous_response_id": ["resp_1"]}), "previous_response_id"),
        (
            json!({"input": "a", "previous_response_id": "resp_1", "conversation": "conv_1"}),
            "previous_response_id",
        ),
        (json!({"input": 1, "previous_response_id": "resp_1"}), "input"),
        (json!({"input": "a", "store": "yes"}), "store"),
        (json!({"input": [{"type": "item_reference"}]}), "input"),
    ] {
        let (status, error) = app.respond(post(&body)).await;
        assert_eq!((status, error["error"]["param"].as_str()), (400, Some(param)), "{body}");
    }
    let twice = r#"{"previous_response_id":"resp_1","previous_response_id":"resp_2"}"#;
    let request = Request::post(ALL).body(Buffered::from(twice)).unwrap();
    assert_eq!(app.respond(request).await.0, 400);
    assert_eq!(app.calls(), 1);
}

#[tokio::test]
async fn references_are_resolved_from_all_responses_of_the_owner() {
    let app = App::default();
    app.create("resp_1", json!({"input": [{"role": "user", "content": "one", "id": "msg_mine"}]}))
        .await;
    app.create("resp_2", ask("two")).await;
    let of = |id: &str| json!({"type": "item_reference", "id": id});
    let input = json!([of("msg_of_resp_2"), of("msg_mine"), user("new"), of("msg_2_0")]);
    app.create("resp_3", json!({"input": input, "temperature": 1.0})).await;
    let mine = json!({"role": "user", "content": "one", "id": "msg_mine"});
    assert_eq!(app.last()["input"], json!([says("resp_2"), mine, user("new"), user("two")]));

    // They are kept as what they stand for, so they outlive what they came from.
    for id in ["resp_1", "resp_2"] {
        app.manage(Method::DELETE, id).await;
    }
    app.create("resp_4", after("resp_3", json!([of("msg_of_resp_2")]))).await;
    assert_eq!(app.last()["input"][0], says("resp_2"));
    assert_eq!(app.last()["input"][5], says("resp_2"));

    let (status, error) = app.respond(post(&json!({"input": [of("msg_0")]}))).await;
    assert_eq!((status, error["error"]["param"].as_str()), (404, Some("input")));
    assert!(error["error"]["message"].as_str().unwrap().contains("'msg_0'"));
    let foreign = by("bob", post(&json!({"input": [of("msg_of_resp_2")]})));
    assert_eq!(app.respond(foreign).await.0, 404);
}

#[tokio::test]
async fn a_body_without_references_is_passed_on_untouched() {
    let app = App::default();
    for (body, stored) in [
        (r#"{ "input":"a","store":true , "previous_response_id": null}"#, true),
        (r#"{"input":[{"role":"user","content":"an item_reference"}]}"#, true),
        (r#"{"input":"a","store":false}"#, false),
        (r#"{"input":"a","conversation":"conv_1"}"#, false),
        (r#"{"input":7}"#, false),
        ("[1]", false),
        ("no json", false),
        ("", false),
    ] {
        let bytes = Bytes::from_static(body.as_bytes());
        let request = Request::post(ALL).body(Buffered::from(bytes.clone())).unwrap();
        read(app.send(request, plain(&response("resp_1"))).await).await;
        assert_eq!(app.last_request().body().to_bytes().as_ptr(), bytes.as_ptr(), "{body}");
        let known = app.manage(Method::DELETE, "resp_1").await.0 == 200;
        assert_eq!(known, stored, "{body}");
    }
}

#[tokio::test]
async fn the_length_is_that_of_the_expanded_body() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    let mut request = post(&after("resp_1", json!("two")));
    request.headers_mut().insert("content-length", 1.into());
    read(app.send(request, plain(&response("resp_2"))).await).await;
    let last = app.last_request();
    assert_eq!(last.headers()["content-length"], last.body().len().to_string());
}

#[tokio::test]
async fn without_store_a_response_is_continued_but_not_kept() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    let mut second = after("resp_1", json!("two"));
    second["store"] = false.into();
    app.create("resp_2", second).await;
    assert_eq!(app.last()["input"][0], user("one"));
    assert_eq!(app.manage(Method::GET, "resp_2").await.0, 404);
    assert_eq!(app.store.len(), 1);
}

#[tokio::test]
async fn get_gives_what_was_delivered_and_delete_forgets_it() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    assert_eq!(app.manage(Method::GET, "resp_1").await, (200, response("resp_1")));
    assert_eq!(app.manage(Method::GET, "resp_1?stream=false").await.0, 200);
    let (status, error) = app.manage(Method::GET, "resp_1?stream=true").await;
    assert_eq!((status, error["error"]["param"].as_str()), (400, Some("stream")));

    let gone = json!({"id": "resp_1", "object": "response", "deleted": true});
    assert_eq!(app.manage(Method::DELETE, "resp_1").await, (200, gone));
    for method in [Method::GET, Method::DELETE] {
        let (status, error) = app.manage(method, "resp_1").await;
        assert_eq!((status, error["error"]["code"].as_str()), (404, Some("NOT_FOUND")));
    }
    assert_eq!(app.calls(), 1, "none of it goes inward");
}

#[tokio::test]
async fn a_foreground_response_cannot_be_cancelled() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    let (status, error) = app.manage(Method::POST, "resp_1/cancel").await;
    assert_eq!((status, error["error"]["code"].as_str()), (400, Some("INVALID_REQUEST")));
    assert_eq!(app.manage(Method::POST, "resp_0/cancel").await.0, 404);
}

#[tokio::test]
async fn what_belongs_to_another_is_as_unknown_as_what_is_not_there() {
    let app = App::default();
    read(app.send(by("alice", post(&ask("one"))), plain(&response("resp_1"))).await).await;
    let as_bob = |method: Method, path: &str| {
        let request = Request::builder().method(method).uri(format!("{ALL}/{path}"));
        app.respond(by("bob", request.body(Buffered::default()).unwrap()))
    };
    for (method, path) in [
        (Method::GET, "resp_1"),
        (Method::DELETE, "resp_1"),
        (Method::GET, "resp_1/input_items"),
        (Method::POST, "resp_1/cancel"),
    ] {
        let (status, error) = as_bob(method.clone(), path).await;
        assert_eq!(status, 404, "{path}");
        let (_, unknown) = as_bob(method, &path.replace("_1", "_0")).await;
        assert_eq!(error.to_string().replace("_1", "_0"), unknown.to_string());
    }
    let foreign = by("bob", post(&after("resp_1", json!("two"))));
    assert_eq!(app.respond(foreign).await.0, 404);
    let own = by("alice", post(&after("resp_1", json!("two"))));
    assert_eq!(app.respond(own).await.0, 200);
}

#[tokio::test]
async fn other_methods_are_405_and_other_paths_are_not_ours() {
    let app = App::default();
    for (method, path, allow) in [
        (Method::PUT, "/v1/responses/resp_1", "GET, DELETE"),
        (Method::POST, "/v1/responses/resp_1", "GET, DELETE"),
        (Method::POST, "/v1/responses/resp_1/input_items", "GET"),
        (Method::GET, "/v1/responses/resp_1/cancel", "POST"),
    ] {
        let request =
            Request::builder().method(method).uri(path).body(Buffered::default()).unwrap();
        let answer = app.send(request, plain(&json!("inner"))).await;
        assert_eq!(answer.status(), 405, "{path}");
        assert_eq!(answer.headers()["allow"], allow, "{path}");
        assert_eq!(answer.extensions().get::<Rejected>().unwrap().code, Code::MethodNotAllowed);
    }
    for (method, path) in [
        (Method::GET, "/v1/responses"),
        (Method::POST, "/v1/chat/completions"),
        (Method::POST, "/v1/responses/compact"),
        (Method::GET, "/v1/responses/resp_1/else"),
    ] {
        let request = Request::builder().method(method).uri(path);
        let body = Buffered::from(r#"{"previous_response_id":"resp_0"}"#);
        assert_eq!(app.respond(request.body(body).unwrap()).await, (200, json!("inner")), "{path}");
    }
}

#[tokio::test]
async fn errors_and_unfinished_responses_are_not_stored() {
    let app = App::default();
    let with = |status: &str| {
        let mut answer = response("resp_1");
        answer["status"] = status.into();
        answer
    };
    for script in [
        (500, "application/json", vec![Ok(response("resp_1").to_string().into())]),
        plain(&with("failed")),
        plain(&with("queued")),
        plain(&json!({"id": "chatcmpl_1", "choices": []})),
        (200, "text/html", vec![Ok("<html>".into())]),
        (200, "application/json", vec![]),
    ] {
        let answer = app.send(post(&ask("one")), script).await;
        let _ = answer.into_body().collect().await.unwrap();
    }
    assert!(app.store.is_empty());
    read(app.send(post(&ask("one")), plain(&with("incomplete"))).await).await;
    assert_eq!(app.manage(Method::GET, "resp_1").await, (200, with("incomplete")));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_stored() {
    let app = App::default();
    let text = response("resp_1").to_string();
    let (first, second) = text.split_at(20);
    let chunks = vec![Ok(Bytes::copy_from_slice(first.as_bytes())), Err(io::ErrorKind::Other)];
    let mut body = app.send(post(&ask("one")), (200, "application/json", chunks)).await.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), first);
    assert!(body.frame().await.unwrap().is_err());

    let chunks = [first, second].map(|part| Ok(Bytes::copy_from_slice(part.as_bytes()))).into();
    let mut body = app.send(post(&ask("one")), (200, "application/json", chunks)).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert!(app.store.is_empty());
}

#[tokio::test]
async fn a_stream_is_stored_with_its_last_event() {
    let app = App::default();
    for (last, known) in
        [("response.completed", 200), ("response.incomplete", 200), ("response.failed", 404)]
    {
        let text = events(last, &response("resp_1"));
        let answer = app.send(post(&ask("one")), stream_of(&text)).await;
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), text);
        assert_eq!(app.manage(Method::GET, "resp_1").await.0, known, "{last}");
        app.manage(Method::DELETE, "resp_1").await;
    }
    let cut = events("response.completed", &response("resp_1"));
    let answer = app.send(post(&ask("one")), stream_of(&cut[..cut.len() - 20])).await;
    let _ = answer.into_body().collect().await.unwrap();
    assert!(app.store.is_empty(), "the last event is not whole");
}

#[tokio::test]
async fn what_comes_before_the_last_event_is_not_held_back() {
    let app = App::default();
    let text = events("response.completed", &response("resp_1"));
    let mut body = app.send(post(&ask("one")), stream_of(&text)).await.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, text[..text.find("event: response.completed").unwrap()]);
    drop(body);
    tokio::task::yield_now().await;
    assert!(app.store.is_empty(), "the client went away before the end");
}

#[tokio::test(start_paused = true)]
async fn the_end_is_there_when_the_store_has_it() {
    for (stream, script) in [
        (true, stream_of(&events("response.completed", &response("resp_1")))),
        (false, plain(&response("resp_1"))),
    ] {
        let app = App::new(Slow(MemoryStore::default(), Duration::from_secs(1)));
        let mut body = app.send(post(&ask("one")), script).await.into_body();
        let started = tokio::time::Instant::now();
        let mut frames = 0;
        while !body.is_end_stream() && body.frame().await.is_some() {
            frames += 1;
            let is_last = frames > usize::from(stream);
            assert_eq!(app.store.0.len(), usize::from(is_last), "{stream}: frame {frames}");
        }
        assert_eq!(started.elapsed(), Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_not_waited_for_longer_than_the_patience() {
    let mut app = App::new(Slow(MemoryStore::default(), Duration::from_secs(60)));
    app.layer = app.layer.patience(Duration::from_secs(3));
    let started = tokio::time::Instant::now();
    app.create("resp_1", ask("one")).await;
    assert_eq!(started.elapsed(), Duration::from_secs(3));
    assert!(app.store.0.is_empty());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(app.store.0.len(), 1, "it is stored all the same");
}

#[tokio::test]
async fn a_broken_store_breaks_no_answer_and_is_a_500_when_asked() {
    let app = App::new(Sick);
    assert_eq!(app.create("resp_1", ask("one")).await, response("resp_1"));
    let mut asked = vec![app.respond(post(&after("resp_1", json!("two")))).await];
    asked.push(app.respond(post(&json!({"input": [{"type": "item_reference", "id": "a"}]}))).await);
    asked.push(app.manage(Method::GET, "resp_1").await);
    asked.push(app.manage(Method::DELETE, "resp_1").await);
    for (status, error) in asked {
        assert_eq!((status, error["error"]["type"].as_str()), (500, Some("server_error")));
        assert!(!error.to_string().contains("disk"), "{error}");
    }
    assert_eq!(app.calls(), 1);
}

#[tokio::test]
async fn sizes_and_ends_are_those_of_the_inner_body() {
    let text = response("resp_1").to_string();
    let inner = service_fn(|_: Request<Buffered>| {
        let body = Full::new(Bytes::from(response("resp_1").to_string()));
        async { Ok::<_, Infallible>(Response::new(body)) }
    });
    let layer = StateLayer::new(MemoryStore::default());
    let mut body = layer.layer(inner).oneshot(post(&ask("one"))).await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(text.len() as u64));
    assert!(!body.is_end_stream());
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), text);
    assert!(body.is_end_stream());
}

#[tokio::test]
async fn it_keeps_the_contract() {
    for body in ["{}", r#"{"store":false}"#, r#"{"input":"a"}"#, "none"] {
        let request = || Request::post(ALL).body(Buffered::from(body)).unwrap();
        contract::holds(StateLayer::new(MemoryStore::default()), request).await;
    }
}

#[tokio::test]
async fn it_keeps_the_contract_when_it_looks_something_up() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    let request = || post(&after("resp_1", json!("two")));
    contract::holds(app.layer.clone(), request).await;
}

/// Takes its time to put something.
#[derive(Clone)]
struct Slow(MemoryStore, Duration);

impl Store for Slow {
    fn put(&self, owner: &str, stored: Stored) -> StoreFuture<()> {
        let (Self(store, wait), owner) = (self.clone(), owner.to_owned());
        Box::pin(async move {
            tokio::time::sleep(wait).await;
            store.put(&owner, stored).await
        })
    }

    fn get(&self, owner: &str, id: &str, now: u64) -> StoreFuture<Option<Stored>> {
        self.0.get(owner, id, now)
    }

    fn items(&self, owner: &str, ids: Vec<Arc<str>>, now: u64) -> StoreFuture<Vec<Item>> {
        self.0.items(owner, ids, now)
    }

    fn delete(&self, owner: &str, id: &str, now: u64) -> StoreFuture<bool> {
        self.0.delete(owner, id, now)
    }
}

/// Does nothing but fail.
#[derive(Clone)]
struct Sick;

fn sick<T: 'static>() -> StoreFuture<T> {
    Box::pin(async { Err("the disk is full".into()) })
}

impl Store for Sick {
    fn put(&self, _: &str, _: Stored) -> StoreFuture<()> {
        sick()
    }

    fn get(&self, _: &str, _: &str, _: u64) -> StoreFuture<Option<Stored>> {
        sick()
    }

    fn items(&self, _: &str, _: Vec<Arc<str>>, _: u64) -> StoreFuture<Vec<Item>> {
        sick()
    }

    fn delete(&self, _: &str, _: &str, _: u64) -> StoreFuture<bool> {
        sick()
    }
}

#[tokio::test]
async fn input_items_are_all_that_the_response_answers() {
    let app = App::default();
    app.create("resp_1", ask("one")).await;
    let call = json!({"type": "function_call_output", "call_id": "c", "output": "o"});
    app.create(
        "resp_2",
        after("resp_1", json!([{"id": "mine", "role": "user", "content": "two"}, call])),
    )
    .await;
    let (status, list) = app.manage(Method::GET, "resp_2/input_items?order=asc&limit=4").await;
    assert_eq!(status, 200);
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, ["msg_1_0", "msg_of_resp_1", "mine", "fco_2_3"]);
    assert_eq!((&list["object"], &list["has_more"]), (&json!("list"), &json!(false)));
    assert_eq!(list["data"][0]["content"], json!([{"type": "input_text", "text": "one"}]));

    let (_, newest) = app.manage(Method::GET, "resp_2/input_items?limit=1").await;
    assert_eq!((&newest["first_id"], &newest["has_more"]), (&json!("fco_2_3"), &json!(true)));
    assert_eq!(app.manage(Method::GET, "resp_2/input_items?limit=0").await.0, 400);
    assert_eq!(app.manage(Method::GET, "resp_0/input_items").await.0, 404);
    // The ids that were made are not sent anywhere.
    app.create("resp_3", after("resp_2", json!("three"))).await;
    assert_eq!(app.last()["input"][0], user("one"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_split_of_the_bytes_stores_and_passes_the_same(
        stream in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
    ) {
        let (kind, text) = if stream {
            ("text/event-stream", events("response.completed", &response("resp_1")))
        } else {
            ("application/json", response("resp_1").to_string())
        };
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let part = |cut: &[usize]| Ok(Bytes::copy_from_slice(&text.as_bytes()[cut[0]..cut[1]]));
        let script = (200, kind, cuts.windows(2).map(part).collect());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (passed, stored) = runtime.block_on(async {
            let app = App::default();
            let answer = app.send(post(&ask("one")), script).await;
            let passed = answer.into_body().collect().await.unwrap().to_bytes();
            (passed, app.store.get("local", "resp_1", 0).await.unwrap())
        });
        prop_assert_eq!(passed, text);
        let Stored { response: kept, input, output, .. } = stored.unwrap();
        prop_assert_eq!(kept, response("resp_1").to_string());
        prop_assert_eq!(&input[0].json, r#"{"type":"message","role":"user","content":"one"}"#);
        prop_assert_eq!(&output[0].json, &says("resp_1").to_string());
    }
}
