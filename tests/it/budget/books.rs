//! A gateway with budgets, and what it has counted.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    recorded_response::Seen,
    support::{CHAT, Gateway, Provider, TEST_TIMEOUT, client, get, post, send},
};

/// A gateway before one provider with the models `m`, which costs 1 USD per million prompt tokens
/// and 4 per million of the answer's, and `free`. Its data are in a directory of their own.
pub(crate) struct Books {
    pub(crate) gateway: Gateway,
    pub(crate) home: TempDir,
}

pub(crate) fn config(provider: &Provider, budgets: &str) -> String {
    format!(
        "models:\n  retry: {{max_retries: 0}}\n  circuit_breaker: {{failure_threshold: 0}}\n  \
         providers: {{main: {{base_url: \"{}\", api_key: k, models: [m, free]}}}}\n  \
         prices: {{m: {{input_per_mtok: 1, output_per_mtok: 4}}}}\n  budgets: {{{budgets}}}\n",
        provider.base_url()
    )
}

impl Books {
    pub(crate) async fn open(provider: &Provider, budgets: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let directory = format!("dataDir: '{}'\n", home.path().join("data").display());
        let gateway = Gateway::start(&(config(provider, budgets) + &directory)).await;
        Self { gateway, home }
    }

    /// Asks, and reads the answer to its end.
    pub(crate) async fn ask(&self, question: &Value) -> Seen {
        ask(self.gateway.addr, question).await
    }

    pub(crate) async fn standing(&self) -> Value {
        standing(self.gateway.addr).await
    }

    /// Used and reserved of one limit.
    pub(crate) async fn count(&self, limit: &str) -> (u64, u64) {
        let standing = self.standing().await;
        let count = |name: &str| standing[limit][name].as_u64().expect("a number");
        (count("used"), count("reserved"))
    }

    /// Waits until nothing is reserved of a limit; what is used of it then.
    #[track_caller]
    pub(crate) fn settled(&self, limit: &str) -> impl Future<Output = u64> {
        let caller = std::panic::Location::caller();
        async move {
            let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
            loop {
                let (used, reserved) = self.count(limit).await;
                if reserved == 0 {
                    return used;
                }
                assert!(tokio::time::Instant::now() < deadline, "{caller}: {reserved} reserved");
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    }
}

pub(crate) async fn ask(addr: SocketAddr, question: &Value) -> Seen {
    Seen::read(send(addr, post(CHAT, question)).await).await
}

/// How this client stands with each of its limits.
pub(crate) async fn standing(addr: SocketAddr) -> Value {
    let answer = send(addr, get("/model-gateway/budgets")).await;
    client::json(answer).await["127.0.0.1"].take()
}

/// 100 bytes, which count 25 tokens, and an answer of up to 50: 75 are reserved, and 225 micro-dollars.
pub(crate) fn question(stream: bool) -> Value {
    let mut question = json!({
        "model": "m", "max_tokens": 50, "stream": stream,
        "messages": [{"role": "user", "content": ""}],
    });
    let short = question.to_string().len();
    question["messages"][0]["content"] = "x".repeat(100 - short).into();
    question
}

pub(crate) const PROMPT: u64 = 25;
pub(crate) const RESERVED: u64 = 75;
