//! The balance endpoint of a provider.

use serde_json::{Value, json};

use crate::quota::chain::{answered_by, answers, health, quota};
use crate::support::{Gateway, Provider, Received, Reply, always, provider, soon};

/// A provider with this balance at this path, which answers calls.
async fn rich(path: &'static str, balance: Value) -> Provider {
    let tell = move |request: Received| match request.path() {
        called if called == path => Reply::json(&balance),
        "/v1/chat/completions" => Reply::chat("Yes"),
        _ => Reply::error(404, "not_found"),
    };
    provider(tell).await
}

/// A gateway before `openai`, with this setting, and `backup`.
async fn gateway(openai: &Provider, setting: &str, backup: &Provider) -> Gateway {
    let yaml = format!(
        "models:\n  providers:\n    openai: {{base_url: '{}', api_key: sk-mine{setting}}}\n    \
         backup: {{base_url: '{}', api_key: k}}\n",
        openai.base_url(),
        backup.base_url(),
    );
    Gateway::start(&yaml).await
}

fn deepseek(available: bool, total: &str) -> Value {
    let info = json!({"currency": "CNY", "total_balance": total, "granted_balance": "0.00"});
    json!({"is_available": available, "balance_infos": [info]})
}

#[tokio::test]
async fn an_empty_account_is_passed_over() {
    let backup = always(Reply::chat("Yes")).await;
    for (setting, path, balance, summary) in [
        (", quota: deepseek", "/v1/user/balance", deepseek(false, "0.00"), "Balance: ¥0.00"),
        // Where it is documented: not below what the base URL ends in.
        (", quota: deepseek", "/user/balance", deepseek(false, "0.00"), "Balance: ¥0.00"),
        (
            ", quota: openrouter",
            "/v1/credits",
            json!({"data": {"total_credits": 10, "total_usage": 10}}),
            "Balance: $0.00",
        ),
    ] {
        let openai = rich(path, balance).await;
        let gateway = gateway(&openai, setting, &backup).await;
        answered_by(gateway.addr, "backup").await;
        assert_eq!(health(gateway.addr, "openai").await, (false, summary.into()));
        let received = openai.received();
        let asked = received.iter().find(|request| request.path() == path).unwrap();
        assert_eq!(
            (asked.method.as_str(), asked.header("authorization")),
            ("GET", Some("Bearer sk-mine"))
        );
        assert!(asked.body.is_empty());
    }
}

#[tokio::test]
async fn what_is_left_is_told() {
    let openai = rich("/v1/user/balance", deepseek(true, "561.18")).await;
    let backup = always(Reply::chat("Yes")).await;
    let gateway = gateway(&openai, ", quota: deepseek", &backup).await;
    soon(openai.requested(1)).await;
    let summary = "Balance: ¥561.18";
    while health(gateway.addr, "openai").await != (true, summary.into()) {
        tokio::task::yield_now().await;
    }
    let balance = json!({"amount": 561.18, "currency": "CNY"});
    assert_eq!(
        quota(gateway.addr).await["openai"],
        json!({"provider": "openai", "available": true, "balance": balance, "summary": summary})
    );
    assert_eq!(answers(gateway.addr).await, "openai");
    let asks = openai.received().iter().filter(|request| request.method == "GET").count();
    assert_eq!(asks, 1, "nobody asks for it on the way of a request");
}

#[tokio::test]
async fn an_account_that_cannot_be_read_blocks_nothing() {
    let backup = always(Reply::chat("Yes")).await;
    for balance in [
        Reply::error(500, "broken"),
        Reply::error(401, "no"),
        Reply::html("<html>"),
        Reply::json(&json!({"is_available": "maybe"})),
        Reply::new(200).bytes(vec![b' '; 100_000]),
    ] {
        let answer = move |request: Received| match request.path() {
            "/v1/user/balance" => balance.clone(),
            _ => Reply::chat("Yes"),
        };
        let openai = provider(answer).await;
        let gateway = gateway(&openai, ", quota: deepseek", &backup).await;
        soon(openai.requested(1)).await;
        assert_eq!(answers(gateway.addr).await, "openai");
        assert_eq!(health(gateway.addr, "openai").await, (true, "Local - always available".into()));
    }
}

#[tokio::test]
async fn who_is_not_known_or_not_to_be_asked_is_not() {
    let backup = always(Reply::chat("Yes")).await;
    for setting in ["", ", quota: none"] {
        let openai = rich("/v1/user/balance", deepseek(false, "0.00")).await;
        let gateway = gateway(&openai, setting, &backup).await;
        assert_eq!(answers(gateway.addr).await, "openai");
        assert_eq!(openai.received().len(), 1);
    }
}
