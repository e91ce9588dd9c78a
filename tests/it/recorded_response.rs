//! An answer as the client saw it, to the last byte.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use crate::support::soon;

#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether the body came to its end.
    pub(crate) is_complete: bool,
}

impl Seen {
    pub(crate) async fn read(response: Response<Incoming>) -> Self {
        let (head, mut body) = response.into_parts();
        let mut read = BytesMut::new();
        let is_complete = loop {
            match soon(body.frame()).await {
                Some(Ok(frame)) => read.extend_from_slice(&frame.into_data().expect("no trailers")),
                Some(Err(_)) => break false,
                None => break true,
            }
        };
        Self { status: head.status, headers: head.headers, body: read.freeze(), is_complete }
    }

    /// A header's value, empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }

    pub(crate) fn attempts(&self) -> usize {
        self.header("x-switchtower-attempts").parse().expect("a number")
    }

    /// `provider/model`.
    pub(crate) fn target(&self) -> String {
        format!("{}/{}", self.header("x-switchtower-provider"), self.header("x-switchtower-model"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// The error of a body in the gateway's own form.
    pub(crate) fn error(&self) -> Value {
        assert!(self.is_complete);
        assert_eq!(self.header("content-type"), "application/json");
        envelope(self.text())
    }
}

/// The error in an envelope, which has to have all its fields and nothing besides.
pub(crate) fn envelope(json: &str) -> Value {
    let value: Value = serde_json::from_str(json).expect("JSON");
    let fields: Vec<_> = value["error"].as_object().expect("an error").keys().collect();
    assert_eq!(fields, ["code", "message", "param", "type"]);
    assert_eq!(value.as_object().map(serde_json::Map::len), Some(1));
    value["error"].clone()
}
