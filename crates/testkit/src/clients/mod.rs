//! Clients, servers and waits for integration tests. All of them panic when something is wrong.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

pub mod binary;
pub mod canned;
pub mod client;
pub mod encode;
pub mod endless;
pub mod envelope;
mod keys;
pub mod prometheus;
pub mod prompt;
pub mod proxy;
pub mod raw;
pub mod sse;
pub mod tls;

use std::{future::Future, time::Duration};

pub use crate::{Fault, Gate, Provider, Received, Refused, Reply};
pub use binary::Binary;
pub use canned::Canned;
pub use client::{H2, VERSIONS, get, post, send, send_as, send_h2, try_send};
pub use endless::Endless;
pub use envelope::envelope;
pub use prometheus::Scrape;
pub use proxy::{ProxyScript, TestProxy};
pub use raw::Raw;
use serde_json::{Value, json};
pub use sse::Events;
pub use tls::{Authority, TlsFront};
use tokio::time::{Instant, sleep, timeout};

/// The path of most calls here.
pub const CHAT: &str = "/v1/chat/completions";

/// A path whose answers are passed on without a look at them.
pub const EMBEDDINGS: &str = "/v1/embeddings";

/// A small request for the model that the gateway's one provider has.
pub fn ask() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]})
}

/// Like [`ask`], streamed.
pub fn ask_stream() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": true})
}

/// Timeout of any single step of a test.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A provider that answers as the script says.
pub async fn provider(script: impl Fn(Received) -> Reply + Send + Sync + 'static) -> Provider {
    Provider::start(script).await.expect("a loopback port")
}

/// A provider with one answer for everything.
pub async fn always(reply: Reply) -> Provider {
    provider(move |_| reply.clone()).await
}

/// Waits for something that has to happen soon.
#[track_caller]
pub fn soon<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        match timeout(TEST_TIMEOUT, future).await {
            Ok(output) => output,
            Err(_) => panic!("{caller}: nothing happened for {TEST_TIMEOUT:?}"),
        }
    }
}

/// Waits until a condition holds that nothing announces.
#[track_caller]
pub fn eventually(condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    let mut condition = condition;
    async move {
        let deadline = Instant::now() + TEST_TIMEOUT;
        while !condition() {
            assert!(Instant::now() < deadline, "{caller}: still not so after {TEST_TIMEOUT:?}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}
