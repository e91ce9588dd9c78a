//! Requests for a model that two providers list, and what the gateway says of them.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::{
    recorded_response::Seen,
    support::{CHAT, client, get, post, send},
};

/// Within one ttl of a second and one run of the command, however loaded the machine is.
const TTL_TIMEOUT: Duration = Duration::from_secs(8);

/// Asks for `gpt-5.1`, and reads the answer to its end.
pub(crate) async fn ask(addr: SocketAddr) -> Seen {
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let question = json!({"model": "gpt-5.1", "messages": messages});
    Seen::read(send(addr, post(CHAT, &question)).await).await
}

/// The provider that answers, with the first attempt.
pub(crate) async fn answers(addr: SocketAddr) -> String {
    let seen = ask(addr).await;
    assert_eq!((seen.status.as_u16(), seen.attempts()), (200, 1), "{}", seen.text());
    seen.header("x-switchtower-provider").to_owned()
}

/// Asks until this provider answers.
#[track_caller]
pub(crate) fn answered_by(addr: SocketAddr, provider: &str) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + TTL_TIMEOUT;
        while answers(addr).await != provider {
            assert!(Instant::now() < deadline, "{caller}: still not {provider}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// `/model-gateway/quota`, without the times, which are now.
pub(crate) async fn quota(addr: SocketAddr) -> Value {
    let mut quota = client::json(send(addr, get("/model-gateway/quota")).await).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    for entry in quota.as_object_mut().expect("an object").values_mut() {
        let as_of = entry.as_object_mut().and_then(|entry| entry.remove("as_of"));
        let age = now.as_millis().abs_diff(as_of.and_then(|at| at.as_u64()).unwrap().into());
        assert!(age < 60_000, "{age} ms");
    }
    quota
}

/// Whether a provider counts as available, and its summary.
pub(crate) async fn health(addr: SocketAddr, name: &str) -> (bool, String) {
    let health = client::json(send(addr, get("/model-gateway/health")).await).await;
    for (list, available) in [("providers_available", true), ("providers_unavailable", false)] {
        let mut providers = health[list].as_array().expect("a list").iter();
        if let Some(provider) = providers.find(|provider| provider["name"] == name) {
            return (available, provider["summary"].as_str().expect("a text").to_owned());
        }
    }
    panic!("{name} is not in {health}")
}
