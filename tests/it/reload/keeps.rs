//! What stays through an edit that is about something else.

use serde_json::{Value, json};

use crate::reload::house::{House, yaml};
use crate::{
    recorded_response::Seen,
    support::{CHAT, Provider, Reply, always, client, eventually, get, post, provider, send},
};

/// An edit that is about something else.
const OTHER: &str = "drain_ms: 20000\n";

async fn failing(reply: Reply) -> (Provider, Provider) {
    (always(reply).await, always(Reply::chat("B")).await)
}

#[tokio::test]
async fn connections_to_providers() {
    let a = always(Reply::chat("A")).await;
    let text = yaml(&[("a", &a)], &[]);
    let mut house = House::start(&text).await;
    house.answers().await;
    for edit in [OTHER.to_owned(), "logLevel: warn\n".to_owned()] {
        house.reload(&(text.clone() + &edit)).await;
        house.answers().await;
    }
    assert_eq!((a.received().len(), a.accepted()), (3, 1));
}

#[tokio::test]
async fn circuits() {
    let (a, b) = failing(Reply::error(503, "busy")).await;
    let breaker = |reset| {
        let line = format!("circuit_breaker: {{failure_threshold: 1, reset_timeout_ms: {reset}}}");
        yaml(&[("a", &a), ("b", &b)], &[&line])
    };
    let mut house = House::start(&breaker(60_000)).await;
    assert_eq!(house.answers().await, "b");
    assert_eq!(a.received().len(), 1);
    for text in [breaker(60_000) + OTHER, breaker(50_000)] {
        house.reload(&text).await;
        assert_eq!(house.answers().await, "b");
        assert_eq!(a.received().len(), 1, "it is still open");
    }
    // Another key, another chance.
    house.reload(&breaker(50_000).replace("sk-a", "sk-new")).await;
    assert_eq!(house.answers().await, "b");
    assert_eq!(a.received().len(), 2);
    house.reload(&yaml(&[("b", &b)], &[])).await;
    house.reload(&breaker(50_000)).await;
    assert_eq!(house.answers().await, "b");
    assert_eq!(a.received().len(), 3, "what is gone is forgotten");
}

#[tokio::test]
async fn waits_that_a_provider_asked_for() {
    let (a, b) = failing(Reply::error(429, "slow down").header("retry-after", 60)).await;
    let text = yaml(&[("a", &a), ("b", &b)], &[]);
    let mut house = House::start(&text).await;
    assert_eq!(house.answers().await, "b");
    house.reload(&(text + OTHER)).await;
    assert_eq!(house.answers().await, "b");
    assert_eq!(a.received().len(), 1);
}

#[tokio::test]
async fn counts_of_rate_limits() {
    let a = always(Reply::chat("A")).await;
    let limit = |burst| {
        let line = format!("rate_limit: {{{CHAT}: {{rpm: 1, burst: {burst}}}}}");
        yaml(&[("a", &a)], &[&line])
    };
    let mut house = House::start(&limit(3)).await;
    for left in ["2", "1"] {
        assert_eq!(house.ask().await.header("x-ratelimit-remaining-requests"), left);
    }
    house.reload(&(limit(3) + OTHER)).await;
    assert_eq!(house.ask().await.header("x-ratelimit-remaining-requests"), "0");
    assert_eq!(house.ask().await.status, 429);
    // Another limit begins anew.
    house.reload(&limit(2)).await;
    assert_eq!(house.ask().await.header("x-ratelimit-remaining-requests"), "1");
}

async fn standing(house: &House) -> Value {
    let answer = send(house.addr(), get("/model-gateway/budgets")).await;
    client::json(answer).await["127.0.0.1"]["requests_per_day"].take()
}

#[tokio::test]
async fn use_of_budgets() {
    let a = always(Reply::chat("A")).await;
    let budget = |most| {
        let line = format!("budgets: {{default: {{requests_per_day: {most}}}}}");
        yaml(&[("a", &a)], &[&line])
    };
    let mut house = House::start(&yaml(&[("a", &a)], &[])).await;
    house.answers().await;
    house.reload(&budget(3)).await;
    assert!(house.binary.home_path().join("data/ledger.sqlite").exists());
    for used in 1..3 {
        house.answers().await;
        assert_eq!(standing(&house).await["used"], used);
    }
    house.reload(&(budget(3) + OTHER)).await;
    assert_eq!(standing(&house).await["used"], 2);
    house.reload(&budget(2)).await;
    assert_eq!(house.ask().await.status, 429);
    house.reload(&yaml(&[("a", &a)], &[])).await;
    house.answers().await;
    house.reload(&budget(4)).await;
    assert_eq!(standing(&house).await["used"], 2, "without budgets nothing is counted");
    house.answers().await;
}

#[tokio::test]
async fn stored_responses() {
    for store in ["memory", "sqlite"] {
        let a = always(Reply::chat("A")).await;
        let text = |mb| {
            yaml(&[("a", &a)], &[]) + &format!("responses: {{store: {store}, max_mb: {mb}}}\n")
        };
        let mut house = House::start(&text(5)).await;
        let question = json!({"model": "m", "input": "Hi"});
        let answer = send(house.addr(), post("/v1/responses", &question)).await;
        let id = client::json(answer).await["id"].as_str().expect("an id").to_owned();
        for text in [text(5) + OTHER, text(6)] {
            house.reload(&text).await;
            let found = send(house.addr(), get(&format!("/v1/responses/{id}"))).await;
            assert_eq!(found.status(), 200, "{store}");
        }
    }
}

#[tokio::test]
async fn what_providers_have_left() {
    let a = provider(|request| match request.path() {
        "/v1/user/balance" => Reply::json(&json!({
            "is_available": true,
            "balance_infos": [{"currency": "USD", "total_balance": "7.00",
                "granted_balance": "0.00", "topped_up_balance": "7.00"}],
        })),
        _ => Reply::chat("A"),
    })
    .await;
    let text = yaml(&[("a", &a)], &[]).replace("models: [m]", "models: [m], quota: deepseek");
    let mut house = House::start(&text).await;
    let asked = || a.received().iter().filter(|r| r.path() == "/v1/user/balance").count();
    eventually(|| asked() == 1).await;
    house.reload(&(text.clone() + OTHER)).await;
    house.answers().await;
    let quota = Seen::read(send(house.addr(), get("/model-gateway/quota")).await).await;
    assert!(quota.text().contains("7.00"), "{}", quota.text());
    assert_eq!(asked(), 1, "it is not asked again");
    house.reload(&text.replace("sk-a", "sk-new")).await;
    eventually(|| asked() == 2).await;
    assert_eq!(a.received().last().unwrap().header("authorization"), Some("Bearer sk-new"));
    house.reload(&yaml(&[("a", &a)], &[]).replace("models: [m]", "models: [m], quota: none")).await;
    let quota = Seen::read(send(house.addr(), get("/model-gateway/quota")).await).await;
    assert!(!quota.text().contains("7.00"), "{}", quota.text());
}
