//! Providers over http: their requests are sent to the proxy in absolute form.

use serde_json::json;

use super::{HOST, chat, yaml};
use crate::support::*;

fn plain(more: &str) -> String {
    yaml(&format!("http://{HOST}/v1"), more)
}

#[tokio::test]
async fn requests_are_sent_in_absolute_form_over_one_connection() {
    let provider = always(Reply::chat("Hello")).await;
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        let before = provider.received().len();
        let proxy = TestProxy::start(ProxyScript::Forward(provider.addr())).await;
        let url = format!("http://user:password@{}", proxy.addr);
        let gateway = Binary::start(&plain(""), &[(name, &url)]).await;
        for _ in 0..3 {
            assert_eq!(chat(&gateway).await, (200, String::new()), "{name}");
        }
        assert_eq!(proxy.asked(), [format!("POST http://{HOST}/v1/chat/completions HTTP/1.1")]);
        let received = provider.received().split_off(before);
        assert_eq!(received.len(), 3);
        for request in received {
            assert_eq!(request.uri, *format!("http://{HOST}/v1/chat/completions"));
            assert_eq!(request.header("host"), Some(HOST));
            let authorization = request.header("proxy-authorization");
            assert_eq!(authorization, Some("Basic dXNlcjpwYXNzd29yZA=="));
            assert_eq!(request.header("authorization"), Some("Bearer sk-key-of-a"));
        }
    }
}

/// A connection that the proxy has closed meanwhile is no fault of the provider.
#[tokio::test]
async fn a_connection_that_was_closed_is_replaced() {
    let provider = provider(|request| match request.nth {
        0 => Reply::chat("Hello").header("connection", "close"),
        _ => Reply::chat("Hello"),
    })
    .await;
    let proxy = TestProxy::start(ProxyScript::Forward(provider.addr())).await;
    let gateway = Binary::start(&plain(""), &[("HTTP_PROXY", &proxy.url("http"))]).await;
    for _ in 0..3 {
        assert_eq!(chat(&gateway).await, (200, String::new()));
    }
    assert_eq!(proxy.asked().len(), 2);
}

/// What a client says to a proxy is not for this one.
#[tokio::test]
async fn a_clients_own_credentials_are_not_sent_on() {
    let provider = always(Reply::chat("Hello")).await;
    let proxy = TestProxy::start(ProxyScript::Forward(provider.addr())).await;
    let gateway = Binary::start(&plain(""), &[("HTTP_PROXY", &proxy.url("http"))]).await;
    let mut request = post(CHAT, &ask());
    request.headers_mut().insert("proxy-authorization", "Basic of-the-client".parse().unwrap());
    assert_eq!(send(gateway.addr, request).await.status(), 200);
    assert_eq!(provider.received()[0].header("proxy-authorization"), None);
}

#[tokio::test]
async fn a_refusal_of_the_proxy_is_not_the_providers() {
    let proxy =
        TestProxy::start(ProxyScript::Authorized("Basic x", ([127, 0, 0, 1], 1).into())).await;
    let url = format!("http://user:hidden-word@{}", proxy.addr);
    let gateway = Binary::start(&plain(""), &[("HTTP_PROXY", &url)]).await;
    let (status, message) = chat(&gateway).await;
    assert_eq!(status, 502);
    let says = format!("proxy {} answered 407 Proxy Authentication Required", proxy.addr);
    assert!(message.contains(&says), "{message}");
}

/// The questions that the gateway asks by itself take the same way.
#[tokio::test]
async fn probes_go_through_the_proxy_as_well() {
    let provider = provider(|request| match request.path() {
        "/v1/user/balance" | "/user/balance" => Reply::json(&json!({
            "is_available": true,
            "balance_infos": [{"currency": "USD", "total_balance": "7.00"}],
        })),
        "/v1/models" => Reply::json(&json!({"data": []})),
        _ => Reply::chat("Hello"),
    })
    .await;
    let proxy = TestProxy::start(ProxyScript::Forward(provider.addr())).await;
    let env = [("HTTP_PROXY", &*proxy.url("http"))];
    let gateway = Binary::start(&plain("quota: deepseek"), &env).await;
    let report = client::json(send(gateway.addr, get("/model-gateway/health/a")).await).await;
    assert_eq!(report["status"], "ok", "{report}");
    assert_eq!(chat(&gateway).await.0, 200);
    let asked = |path: &str| {
        let received = provider.received();
        received.iter().any(|r| r.uri == *format!("http://{HOST}{path}"))
    };
    eventually(|| asked("/v1/user/balance")).await;
    assert!(asked("/v1/models"));
}
