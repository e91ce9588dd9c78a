//! Whose commit policy counts: the request's, the provider's, the general one.

use crate::failover::chain::{ask, ask_for, gateway};
use crate::support::{Fault, Gateway, Reply, always};

/// Half an answer.
fn half() -> Reply {
    Reply::events().role().delta("Hel").cut(Fault::Close)
}

#[tokio::test]
async fn the_request_has_the_last_word() {
    let (a, b) = (always(half()).await, always(Reply::chat_stream(["Yes"])).await);
    for general in ["", "commit: headers", "commit: complete"] {
        let gateway = gateway(&[&a, &b], general).await;
        for (policy, attempts) in [("complete", 2), ("first_token", 1), ("headers", 1)] {
            let seen = ask_for(&gateway, policy, true).await;
            assert_eq!(seen.attempts(), attempts, "{general}, {policy}");
        }
    }
}

#[tokio::test]
async fn a_provider_may_have_its_own() {
    let (a, b) = (always(half()).await, always(half()).await);
    let gateway = Gateway::start(&format!(
        "models:\n  commit: headers\n  providers:\n    \
         a: {{base_url: \"{}\", api_key: k, models: [m], commit: complete}}\n    \
         b: {{base_url: \"{}\", api_key: k, models: [m]}}\n",
        a.base_url(),
        b.base_url()
    ))
    .await;
    let seen = ask(&gateway, true).await;
    assert_eq!((seen.target(), seen.attempts()), ("b/m".into(), 2), "held at `a`, not at `b`");
    assert!(seen.text().contains("PROVIDER_ERROR"));
    assert_eq!(ask_for(&gateway, "headers", true).await.target(), "a/m");
}

#[tokio::test]
async fn a_policy_that_there_is_not_is_a_400() {
    let a = always(Reply::chat("Never")).await;
    let gateway = gateway(&[&a], "").await;
    for unknown in ["", "Complete", "first-token", "headers, complete"] {
        let seen = ask_for(&gateway, unknown, false).await;
        assert_eq!(seen.status, 400, "{unknown}");
        let error = seen.error();
        assert_eq!(error["code"], "INVALID_REQUEST");
        assert_eq!(
            error["message"],
            "x-switchtower-commit: a commit policy is `first_token`, `headers` or `complete`"
        );
    }
    assert_eq!(ask_for(&gateway, " headers ", false).await.status, 200);
    assert_eq!(a.received().len(), 1);
}
