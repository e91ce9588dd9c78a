//! Providers in a row, a gateway before them with settings of the test's own, and its health.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::{
    recorded_response::Seen,
    support::{CHAT, Gateway, Provider, client, get, post, send},
};

/// A gateway before the providers `a`, `b` and so on, which list the models `m` and `n`. `settings`
/// are further lines of `models`; what they do not speak of is off.
pub(crate) async fn gateway(providers: &[&Provider], settings: &[&str]) -> Gateway {
    let mut config = String::from("models:\n  providers:\n");
    for (provider, name) in providers.iter().zip('a'..) {
        config += &format!(
            "    {name}: {{base_url: \"{}\", api_key: k, models: [m, n]}}\n",
            provider.base_url()
        );
    }
    for line in settings {
        config += &format!("  {line}\n");
    }
    Gateway::start(&config).await
}

/// No two are the same: a breaker counts the faults of a request that is sent again once.
pub(crate) fn question(model: &str, stream: bool) -> Value {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let content = format!("Hi, for the {}th time", ASKED.fetch_add(1, Ordering::Relaxed));
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": content}]})
}

/// Asks for a model, and reads the answer to its end.
pub(crate) async fn ask_for(gateway: &Gateway, model: &str, stream: bool) -> Seen {
    Seen::read(send(gateway.addr, post(CHAT, &question(model, stream))).await).await
}

pub(crate) async fn ask(gateway: &Gateway, stream: bool) -> Seen {
    ask_for(gateway, "m", stream).await
}

/// Whether a provider counts as available, and its summary.
pub(crate) async fn health(gateway: &Gateway, name: &str) -> (bool, String) {
    let health = client::json(send(gateway.addr, get("/model-gateway/health")).await).await;
    let found = [("providers_available", true), ("providers_unavailable", false)].map(
        |(list, available)| {
            let mut providers = health[list].as_array().expect("a list").iter();
            let provider = providers.find(|provider| provider["name"] == name)?;
            Some((available, provider["summary"].as_str().expect("a text").to_owned()))
        },
    );
    found.into_iter().flatten().next().unwrap_or_else(|| panic!("{name} is not in {health}"))
}
