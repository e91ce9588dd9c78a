//! Talking to a running gateway.
//!
//! | module | |
//! |---|---|
//! | `error` | why there is no answer |
//! | `follow` | its events, over broken connections |
//! | `http` | what carries both |
//! | `key` | the client key that goes with it |
//! | `wire` | what it says, as far as it is read here |

mod error;
mod follow;
mod http;
mod key;
mod wire;

use std::time::Duration;

use ::http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde_json::Value;
use switchtower_layers::Buffered;
use tokio::runtime;
use tokio::time::timeout;

use self::http::{Http, http};
use super::args::GatewayArgs;
use super::output::Failure;
use super::url;
pub(super) use error::Error;
pub(super) use follow::{Event, follow};
pub(super) use wire::{Agent, Message, Task, is_final};

/// Response timeout; the gateway itself waits for nothing but its database.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum size of a response body, in bytes.
const MAX_BODY_LEN: usize = 256 << 20;

/// A way to one gateway. Clones share its connections.
#[derive(Clone)]
pub(super) struct Client {
    base: String,
    http: Http,
    /// For a gateway that asks for one; any other ignores it.
    key: Option<HeaderValue>,
}

impl Client {
    /// Connects to nothing yet.
    pub(super) fn new(args: &GatewayArgs) -> Result<Self, Failure> {
        let base = url::gateway(args)?;
        let wrong = |error: &dyn std::fmt::Display| Failure(format!("{base}: {error}"));
        let uri: Uri = base.parse().map_err(|error: ::http::uri::InvalidUri| wrong(&error))?;
        let http = http(&uri).map_err(|error| wrong(&error))?;
        Ok(Self { base, http, key: key::find(&args.file)? })
    }

    /// The beginning of the gateway's URLs.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, Error> {
        self.json(Method::GET, path, Buffered::default()).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.json(Method::POST, path, body.to_string().into()).await
    }

    async fn json(&self, method: Method, path: &str, body: Buffered) -> Result<Value, Error> {
        let strange = |what: &str| Error::Strange(self.base.clone(), what.to_owned());
        let answer = async {
            let response = self.send(method, path, body, None).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_BODY_LEN).collect().await;
            let body = body.map_err(|_| strange("its answer broke off"))?.to_bytes();
            if !parts.status.is_success() {
                return Err(Error::refused(&self.base, path, &parts, &body));
            }
            serde_json::from_slice(&body).map_err(|_| strange("its answer is not JSON"))
        };
        timeout(RESPONSE_TIMEOUT, answer)
            .await
            .unwrap_or_else(|_| Err(strange("it does not answer")))
    }

    /// Its head has come; the body is still to be read.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Buffered,
        last_event: Option<&str>,
    ) -> Result<Response<Incoming>, Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        // Asked for by the gateway even where there is no body, since a page cannot send it unasked.
        request = request.header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, key);
        }
        if let Some(id) = last_event {
            request = request.header("last-event-id", id);
        }
        let request = request
            .body(body)
            .map_err(|error| Error::Strange(self.base.clone(), error.to_string()))?;
        self.http.request(request).await.map_err(|error| Error::down(&self.base, &error))
    }
}

/// Does what needs a runtime.
pub(super) fn run<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure(format!("cannot start: {error}")))?;
    let result = runtime.block_on(work);
    // A look-up of a name that is under way must not hold up the exit.
    runtime.shutdown_background();
    result
}

/// Reads an answer.
pub(super) fn read<T: DeserializeOwned>(answer: &Value) -> Result<T, Failure> {
    T::deserialize(answer)
        .map_err(|error| Failure(format!("the gateway's answer is not understood: {error}")))
}

/// A part of a path or of a query.
pub(super) fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into());
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

/// A query of those of these that are there.
pub(super) fn query<const N: usize>(fields: [(&str, Option<String>); N]) -> String {
    let fields = fields
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name}={}", encode(&value))));
    match fields.collect::<Vec<_>>() {
        fields if fields.is_empty() => String::new(),
        fields => format!("?{}", fields.join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        assert_eq!(query([("a", None)]), "");
        let query =
            query([("q", Some("a&b 审".to_owned())), ("none", None), ("n", Some("1".into()))]);
        assert_eq!(query, "?q=a%26b%20%E5%AE%A1&n=1");
    }
}
