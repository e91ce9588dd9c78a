//! A gateway whose clients have keys.

use http::{HeaderValue, Method, header::AUTHORIZATION};
use serde_json::Value;
use switchtower::config::KeyHash;

use crate::{
    recorded_response::Seen,
    support::{CHAT, Gateway, Provider, ask, client::Outgoing, envelope, get, post, send},
};

/// The key of the client of this name.
pub(crate) fn key(name: &str) -> String {
    format!("st-key-of-{name}")
}

/// Its entry in the configuration, with further settings.
pub(crate) fn entry(name: &str, settings: &str) -> String {
    let hash = KeyHash::of(key(name).as_bytes());
    let settings = if settings.is_empty() { String::new() } else { format!(", {settings}") };
    format!("{{name: {name}, hash: '{hash}'{settings}}}")
}

/// The settings of `auth`.
pub(crate) fn auth(entries: &[String]) -> String {
    format!("auth: {{keys: [{}]}}\n", entries.join(", "))
}

/// A client for each scope, and one for all of them.
pub(crate) fn one_for_each_scope() -> String {
    auth(&[
        entry("models", ""),
        entry("agents", "scopes: [agents]"),
        entry("admin", "scopes: [admin]"),
        entry("all", "scopes: [admin, models, agents]"),
    ])
}

/// A gateway before one provider, with these settings at the top.
pub(crate) async fn house(provider: &Provider, settings: &str) -> Gateway {
    Gateway::with(provider, settings).await
}

/// The request, as the client of this name sends it.
pub(crate) fn by(name: &str, request: Outgoing) -> Outgoing {
    with_key(&key(name), request)
}

pub(crate) fn with_key(key: &str, mut request: Outgoing) -> Outgoing {
    let value = HeaderValue::try_from(format!("Bearer {key}")).expect("a header");
    request.headers_mut().insert(AUTHORIZATION, value);
    request
}

/// A request without a key.
pub(crate) fn by_nobody(mut request: Outgoing) -> Outgoing {
    request.headers_mut().remove(AUTHORIZATION);
    request
}

pub(crate) fn request(method: &Method, path: &str) -> Outgoing {
    let mut request = post(path, &ask());
    *request.method_mut() = method.clone();
    if *method == Method::GET || *method == Method::HEAD {
        request = get(path);
        *request.method_mut() = method.clone();
    }
    request
}

pub(crate) async fn seen(gateway: &Gateway, request: Outgoing) -> Seen {
    Seen::read(send(gateway.addr, request).await).await
}

/// A small call for the model `m` by the client of this name.
pub(crate) async fn call(gateway: &Gateway, name: &str) -> Seen {
    seen(gateway, by(name, post(CHAT, &ask()))).await
}

/// The status, and the code if it is an error.
pub(crate) fn outcome(seen: &Seen) -> (u16, String) {
    let status = seen.status.as_u16();
    let is_error = status >= 400 && !seen.body.is_empty();
    (status, if is_error { envelope(&seen.body).code } else { String::new() })
}

pub(crate) fn json(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).expect("JSON")
}
