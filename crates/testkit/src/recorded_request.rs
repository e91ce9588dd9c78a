//! A request as the provider got it.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, Version};
use serde_json::Value;

/// A request, read to its end.
#[derive(Clone, Debug)]
pub struct Received {
    /// Number of requests before this one, over all connections.
    pub nth: usize,
    /// The method.
    pub method: Method,
    /// The request target.
    pub uri: Uri,
    /// The version of HTTP it came in.
    pub version: Version,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Received {
    /// The path of the request target.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The first value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON, `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}
