//! A gateway that says what a test has it say.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The id of its one task.
pub(crate) const TASK: &str = "task_1";

/// It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) addr: SocketAddr,
    script: Arc<Mutex<Script>>,
    serving: JoinHandle<()>,
}

/// One request, as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// `GET /path?query`.
    pub(crate) what: String,
    pub(crate) last_event_id: Option<String>,
    pub(crate) body: Value,
}

#[derive(Debug, Default)]
struct Script {
    answers: Vec<(String, StatusCode, Value)>,
    streams: VecDeque<Stream>,
    asked: Vec<Asked>,
}

/// A connection to `/events` of the fake gateway.
#[derive(Debug)]
struct Stream {
    events: Vec<Value>,
    /// Whether it stays open then.
    stays: bool,
    /// How the task stands from then on.
    view: Option<Value>,
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        let script = Arc::<Mutex<Script>>::default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let router = Router::new().fallback(answer).with_state(script.clone());
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self { addr, script, serving }
    }

    /// One that accepts a task.
    pub(crate) async fn with_task() -> Self {
        let accepted = json!({"task_id": TASK, "status": "pending", "message": "accepted"});
        let gateway = Self::start().await.says("POST /tasks", 202, accepted);
        gateway.task(&view("pending", &json!({})))
    }

    /// Answers this from now on; `what` without the query.
    pub(crate) fn says(self, what: &str, status: u16, body: Value) -> Self {
        let status = StatusCode::from_u16(status).expect("a status");
        self.script.lock().set(what, status, body);
        self
    }

    /// Answers with the error envelope.
    pub(crate) fn refuses(self, what: &str, status: u16, code: &str, message: &str) -> Self {
        let error = json!({"code": code, "message": message, "type": "", "param": null});
        self.says(what, status, json!({"error": error}))
    }

    /// How the task stands.
    pub(crate) fn task(self, view: &Value) -> Self {
        self.says(&format!("GET /tasks/{TASK}"), 200, view.clone())
    }

    /// Scripts the events of the next connection, and the task's status after them.
    pub(crate) fn tells(
        self,
        events: impl IntoIterator<Item = Value>,
        view: Option<Value>,
    ) -> Self {
        let events = events.into_iter().collect();
        self.script.lock().streams.push_back(Stream { events, stays: true, view });
        self
    }

    /// The same, but then the connection breaks.
    pub(crate) fn breaks(self, events: impl IntoIterator<Item = Value>) -> Self {
        let events = events.into_iter().collect();
        self.script.lock().streams.push_back(Stream { events, stays: false, view: None });
        self
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.lock().asked.clone()
    }

    /// Those of them to this.
    pub(crate) fn asked_for(&self, what: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.what.starts_with(what)).collect()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Script {
    fn set(&mut self, what: &str, status: StatusCode, body: Value) {
        self.answers.retain(|(known, ..)| known != what);
        self.answers.push((what.to_owned(), status, body));
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    let what = format!("{} {}", parts.method, parts.uri.path());
    let last = parts.headers.get("last-event-id");
    let json = parts.headers.get(header::CONTENT_TYPE).is_some_and(|it| it == "application/json");
    assert!(json || parts.method != Method::POST, "the guard refuses other ones");
    let mut script = script.lock();
    script.asked.push(Asked {
        what: format!("{} {}", parts.method, parts.uri),
        last_event_id: last.map(|id| id.to_str().expect("ASCII").to_owned()),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    if parts.uri.path() == "/events" {
        return match script.streams.pop_front() {
            Some(told) => {
                if let Some(view) = &told.view {
                    script.set(&format!("GET /tasks/{TASK}"), StatusCode::OK, view.clone());
                }
                events(told)
            }
            None => StatusCode::BAD_GATEWAY.into_response(),
        };
    }
    match script.answers.iter().find(|(known, ..)| *known == what) {
        Some((_, status, body)) => (*status, axum::Json(body.clone())).into_response(),
        None => (
            StatusCode::NOT_FOUND,
            axum::Json(
                json!({"error": {"code": "NOT_FOUND", "message": what, "type": "", "param": null}}),
            ),
        )
            .into_response(),
    }
}

/// An event's `id` in the script is its id on the stream.
fn events(told: Stream) -> Response {
    let lines = told.events.into_iter().map(|mut event| {
        let id = event.as_object_mut().and_then(|event| event.remove("id"));
        let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
        Ok::<_, Infallible>(Bytes::from(format!("{id}data: {event}\n\n")))
    });
    let lines = stream::iter(lines.collect::<Vec<_>>());
    let body = match told.stays {
        true => Body::from_stream(lines.chain(stream::pending())),
        false => Body::from_stream(lines),
    };
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// The task, standing like this; `fields` are its other ones.
pub(crate) fn view(status: &str, fields: &Value) -> Value {
    let mut view = json!({
        "id": TASK, "status": status, "assigned_agents": ["echo"], "result": null,
        "error": null, "task": "say\nhello to 代码", "created_at": 1_763_838_783_123_u64, "updated_at": 1_763_838_783_123_u64,
    });
    for (name, value) in fields.as_object().expect("an object") {
        view[name] = value.clone();
    }
    view
}

/// An event of the task.
pub(crate) fn event(kind: &str, fields: Value) -> Value {
    let mut event = fields;
    event["type"] = kind.into();
    event["task_id"] = TASK.into();
    event
}
