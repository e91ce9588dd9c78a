//! Providers in a row, a gateway before them, and requests for the model that all of them list.

use http::HeaderValue;
use serde_json::{Value, json};

use crate::{
    recorded_response::Seen,
    support::{Gateway, Provider, client::Outgoing, post, send},
};

pub(crate) const CHAT: &str = "/v1/chat/completions";

/// A gateway before the providers `a`, `b` and so on, in this order, all of which list the model `m`
/// and have the key `sk-key-of-a` and so on. `settings` are further lines of `models`.
pub(crate) async fn gateway(providers: &[&Provider], settings: &str) -> Gateway {
    gateway_of("chat", providers, settings).await
}

/// The same before providers that speak this dialect.
pub(crate) async fn gateway_of(dialect: &str, providers: &[&Provider], settings: &str) -> Gateway {
    let mut config = String::from("models:\n  providers:\n");
    for (provider, name) in providers.iter().zip('a'..) {
        config += &format!(
            "    {name}: {{base_url: \"{}\", api_key: sk-key-of-{name}, models: [m], \
             dialect: {dialect}}}\n",
            provider.base_url()
        );
    }
    for line in settings.lines() {
        config += &format!("  {line}\n");
    }
    Gateway::start(&config).await
}

pub(crate) fn question(stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]})
}

/// Asks, and reads the answer to its end.
pub(crate) async fn ask(gateway: &Gateway, stream: bool) -> Seen {
    ask_with(gateway, post(CHAT, &question(stream))).await
}

pub(crate) async fn ask_with(gateway: &Gateway, request: Outgoing) -> Seen {
    Seen::read(send(gateway.addr, request).await).await
}

/// Asks with a policy of the request's own.
pub(crate) async fn ask_for(gateway: &Gateway, commit: &'static str, stream: bool) -> Seen {
    let mut request = post(CHAT, &question(stream));
    request.headers_mut().insert("x-switchtower-commit", HeaderValue::from_static(commit));
    ask_with(gateway, request).await
}
