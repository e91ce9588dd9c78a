//! A call to a model, from the client's socket to the provider's and back.

mod support;

use serde_json::json;
use support::*;

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn a_chat_completion_comes_back() {
    let provider = always(Reply::chat("Hello")).await;
    let gateway = Gateway::before(&provider).await;
    let response = send(gateway.addr, post(CHAT, &json!({"model": "m", "messages": []}))).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-switchtower-provider"], "main");
    let answer = client::json(response).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "Hello");
    let received = &provider.received()[0];
    assert_eq!(received.path(), "/v1/chat/completions");
    assert_eq!(received.header("authorization"), Some("Bearer sk-main"));
}
