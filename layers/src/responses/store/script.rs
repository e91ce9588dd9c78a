//! A scripted provider behind the layer.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::Buffered;

pub(super) const ALL: &str = "/v1/responses";

/// What the provider answers: type of content and chunks.
pub(super) type Script = (u16, &'static str, Vec<Result<Bytes, io::ErrorKind>>);

/// A provider that notes what it is asked, in front of it the layer.
pub(super) struct App<T = MemoryStore> {
    pub(super) store: T,
    pub(super) layer: StoreLayer,
    asked: Arc<Mutex<Vec<Request<Buffered>>>>,
}

pub(super) type Answer = Response<crate::body::ResponseBody<StateBody<Chunks>>>;
pub(super) type Chunks = StreamBody<stream::Iter<std::vec::IntoIter<io::Result<Frame<Bytes>>>>>;

impl Default for App {
    fn default() -> Self {
        Self::new(MemoryStore::default())
    }
}

impl<T: Store + Clone> App<T> {
    pub(super) fn new(store: T) -> Self {
        let layer = StoreLayer::new(store.clone());
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
    pub(super) async fn create(&self, id: &str, body: Value) -> Value {
        let answer = self.send(post(&body), plain(&response(id))).await;
        assert_eq!(answer.status(), 200);
        read(answer).await
    }

    pub(super) async fn manage(&self, method: Method, path: &str) -> (u16, Value) {
        let request = Request::builder().method(method).uri(format!("{ALL}/{path}"));
        self.respond(request.body(Buffered::default()).unwrap()).await
    }

    pub(super) async fn respond(&self, request: Request<Buffered>) -> (u16, Value) {
        let answer = self.send(request, plain(&json!("inner"))).await;
        (answer.status().as_u16(), read(answer).await)
    }

    /// The last body that came in to the provider.
    pub(super) fn last(&self) -> Value {
        serde_json::from_slice(&self.last_request().body().to_bytes()).unwrap()
    }

    pub(super) fn last_request(&self) -> Request<Buffered> {
        self.asked.lock().last().unwrap().clone()
    }

    pub(super) fn calls(&self) -> usize {
        self.asked.lock().len()
    }
}

pub(super) fn post(body: &Value) -> Request<Buffered> {
    Request::post(ALL).body(Buffered::from(body.to_string())).unwrap()
}

pub(super) fn by(owner: &str, mut request: Request<Buffered>) -> Request<Buffered> {
    request.extensions_mut().insert(Owner(owner.into()));
    request
}

pub(super) fn plain(value: &Value) -> Script {
    (200, "application/json", vec![Ok(value.to_string().into())])
}

pub(super) fn says(id: &str) -> Value {
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

pub(super) fn stream_of(text: &str) -> Script {
    (200, "text/event-stream", vec![Ok(text.to_owned().into())])
}

pub(super) async fn read(answer: Answer) -> Value {
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

pub(super) fn user(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": text})
}

pub(super) fn ask(text: &str) -> Value {
    json!({"model": "m", "input": text})
}

pub(super) fn after(id: &str, input: impl Into<Value>) -> Value {
    let mut body = json!({"model": "m", "previous_response_id": id});
    body["input"] = input.into();
    body
}

/// Takes its time to put something.
#[derive(Clone, Debug)]
pub(super) struct Slow(pub(super) MemoryStore, pub(super) Duration);

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
#[derive(Clone, Debug)]
pub(super) struct Sick;

pub(super) fn sick<T: 'static>() -> StoreFuture<T> {
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
