//! Limits and budgets by key.

use serde_json::json;

use crate::auth::house::*;
use crate::support::{CHAT, EMBEDDINGS, Reply, always, ask, get, post};

/// Both come from one address.
#[tokio::test]
async fn each_key_has_its_own_limit() {
    let provider = always(Reply::chat("Hi")).await;
    let keys =
        auth(&[entry("own", "rate_limit: {rpm: 1, burst: 3}"), entry("one", ""), entry("two", "")]);
    let limits = format!("rate_limit: {{{CHAT}: {{rpm: 1}}}}");
    let yaml = format!(
        "models: {{{limits}, providers: {{p: {{base_url: '{}', api_key: k, models: [m]}}}}}}\n{keys}",
        provider.base_url()
    );
    let gateway = crate::support::Gateway::start(&yaml).await;
    for name in ["one", "two"] {
        assert_eq!(call(&gateway, name).await.status, 200, "{name}");
        let seen = call(&gateway, name).await;
        assert_eq!(outcome(&seen), (429, "RATE_LIMITED".into()), "{name}");
        // Only this path is limited.
        let seen = seen_at(&gateway, name, EMBEDDINGS).await;
        assert_eq!((seen.status.as_u16(), seen.header("x-ratelimit-limit-requests")), (200, ""));
    }
    // For all paths together, and not by path.
    assert_eq!(call(&gateway, "own").await.header("x-ratelimit-limit-requests"), "3");
    assert_eq!(call(&gateway, "own").await.status, 200);
    assert_eq!(seen_at(&gateway, "own", EMBEDDINGS).await.status, 200);
    assert_eq!(seen_at(&gateway, "own", EMBEDDINGS).await.status, 429);
    assert_eq!(call(&gateway, "own").await.status, 429);
}

async fn seen_at(
    gateway: &crate::support::Gateway,
    name: &str,
    path: &str,
) -> crate::recorded_response::Seen {
    seen(gateway, by(name, post(path, &ask()))).await
}

#[tokio::test]
async fn each_key_has_its_own_budget() {
    let provider = always(Reply::chat("Hi")).await;
    let keys = auth(&[
        entry("small", "budget: {requests_per_day: 1}"),
        entry("large", "budget: {requests_per_day: 2}"),
        entry("none", ""),
        entry("admin", "scopes: [admin]"),
    ]);
    let gateway = house(&provider, &keys).await;
    for (name, most) in [("small", 1), ("large", 2)] {
        for _ in 0..most {
            assert_eq!(call(&gateway, name).await.status, 200, "{name}");
        }
        assert_eq!(outcome(&call(&gateway, name).await), (429, "QUOTA_EXHAUSTED".into()), "{name}");
    }
    for _ in 0..4 {
        assert_eq!(call(&gateway, "none").await.status, 200);
    }
    let budgets = json(&seen(&gateway, by("admin", get("/model-gateway/budgets"))).await);
    let names: Vec<_> = budgets.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["large", "small"]);
    assert_ne!(budgets, json!({}));
}
