//! A gateway with a directory of its own.

use std::net::SocketAddr;

use http::{Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::responses::told::Told;
use crate::{
    recorded_response::Seen,
    support::{Gateway, Provider, client, get, post, send},
};

pub(crate) const RESPONSES: &str = "/v1/responses";

/// A gateway, asked for responses.
pub(crate) struct Desk {
    pub(crate) gateway: Gateway,
    pub(crate) home: TempDir,
}

/// Providers `a`, `b` and so on, in this order, with what each of them speaks. All list the model
/// `m`, which `a` calls `m-at-a`. `settings` are further lines of `models`.
pub(crate) fn config(providers: &[(&str, &Provider)], settings: &str) -> String {
    let mut config = String::from("models:\n  providers:\n");
    for ((dialect, provider), name) in providers.iter().zip('a'..) {
        config += &format!(
            "    {name}: {{base_url: \"{}\", api_key: sk-key-of-{name}, dialect: {dialect}, \
             aliases: {{m: m-at-{name}}}}}\n",
            provider.base_url()
        );
    }
    for line in settings.lines() {
        config += &format!("  {line}\n");
    }
    config
}

impl Desk {
    /// Before one provider that speaks Chat Completions only.
    pub(crate) async fn before(provider: &Provider) -> Self {
        Self::with(&[("chat", provider)], "").await
    }

    pub(crate) async fn with(providers: &[(&str, &Provider)], settings: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let data = home.path().join("data");
        let directory = format!("dataDir: '{}'\n", data.display());
        let gateway = Gateway::start(&(config(providers, settings) + &directory)).await;
        Self { gateway, home }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.gateway.addr
    }

    /// Asks, and waits for the head.
    pub(crate) async fn send(&self, body: &Value) -> Response<Incoming> {
        send(self.addr(), post(RESPONSES, body)).await
    }

    /// Asks, and reads whatever comes.
    pub(crate) async fn ask(&self, body: &Value) -> Seen {
        Seen::read(self.send(body).await).await
    }

    /// The response, streamed or not. A stream is checked on the way.
    pub(crate) async fn response(&self, body: &Value) -> Value {
        respond(self.addr(), body).await
    }

    /// The events of a stream.
    pub(crate) async fn told(&self, body: &Value) -> Told {
        Told::read(self.send(body).await).await
    }

    /// A GET of something below the stored responses.
    pub(crate) async fn look(&self, path: &str) -> (StatusCode, Value) {
        look(self.addr(), path).await
    }
}

pub(crate) async fn respond(addr: SocketAddr, body: &Value) -> Value {
    let answer = send(addr, post(RESPONSES, body)).await;
    if body["stream"] == true {
        return Told::read(answer).await.response();
    }
    assert_eq!(answer.status(), 200);
    client::json(answer).await
}

pub(crate) async fn look(addr: SocketAddr, path: &str) -> (StatusCode, Value) {
    let answer = send(addr, get(&format!("{RESPONSES}/{path}"))).await;
    (answer.status(), client::json(answer).await)
}

/// A small question.
pub(crate) fn question(stream: bool) -> Value {
    json!({"model": "m", "input": "Hi", "stream": stream})
}

/// The text of a response.
pub(crate) fn text(response: &Value) -> String {
    let output = response["output"].as_array().expect("items");
    let parts = output.iter().filter_map(|item| item["content"].as_array()).flatten();
    parts.filter_map(|part| part["text"].as_str()).collect()
}

/// The items of this type.
pub(crate) fn items<'a>(response: &'a Value, kind: &str) -> Vec<&'a Value> {
    let output = response["output"].as_array().expect("items");
    output.iter().filter(|item| item["type"] == kind).collect()
}
