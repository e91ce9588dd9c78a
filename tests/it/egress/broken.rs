//! Proxies that refuse, break off or cannot be reached.

use super::{Far, HOST, chat, yaml};
use crate::support::*;

/// Every failure before the provider is reached is reported as the proxy's.
#[tokio::test]
async fn the_proxy_is_named_by_what_it_did() {
    let far = Far::new(&[]).await;
    let closed = Refused::new().unwrap();
    let dead = closed.base_url().trim_end_matches("/v1").to_owned();
    let said = async |script: ProxyScript, connect_ms: &str| {
        let proxy = TestProxy::start(script).await;
        let env = [("HTTPS_PROXY", &*proxy.url("http"))];
        let gateway = Binary::start(&far.yaml("").replace("4000", connect_ms), &env).await;
        let (status, message) = chat(&gateway).await;
        assert_eq!(status, 502, "{message}");
        message.replace(&proxy.addr.to_string(), "PROXY")
    };
    for (answer, says) in [
        ("HTTP/1.1 407 No\r\n\r\n", "proxy PROXY answered 407 Proxy Authentication Required"),
        (
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno",
            "proxy PROXY answered 403 Forbidden",
        ),
        ("HTTP/1.1 502 Bad\r\n\r\n", "proxy PROXY answered 502 Bad Gateway"),
        ("HTTP/1.1 302 Found\r\nlocation: http://x/\r\n\r\n", "proxy PROXY answered 302 Found"),
        ("", "proxy PROXY closed the connection"),
        ("HTTP/1.1 200 OK\r\n", "proxy PROXY closed the connection"),
        ("SSH-2.0-OpenSSH\r\n", "proxy PROXY did not answer in HTTP"),
    ] {
        let message = said(ProxyScript::Answer(answer), "4000").await;
        assert!(message.ends_with(says), "{answer:?}: {message}");
        assert!(message.starts_with("a: cannot connect: "), "{message}");
    }
    // The exchange with the proxy is a part of connecting.
    let message = said(ProxyScript::Silent, "400").await;
    assert!(message.ends_with("not connected within 400 ms through proxy PROXY"), "{message}");

    let gateway = Binary::start(&far.yaml(""), &[("HTTPS_PROXY", &dead)]).await;
    let (status, message) = chat(&gateway).await;
    let place = dead.trim_start_matches("http://");
    assert_eq!(status, 502);
    assert!(message.contains(&format!("proxy {place} cannot be reached: ")), "{message}");
    assert_eq!(far.provider.accepted(), 0);
}

/// It is a transport error: the next provider is asked, and the circuit counts it.
#[tokio::test]
async fn another_provider_takes_over() {
    let b = always(Reply::chat("B")).await;
    let proxy = TestProxy::start(ProxyScript::Answer("HTTP/1.1 407 No\r\n\r\n")).await;
    let yaml = format!(
        "models: {{retry: {{max_retries: 0}}, circuit_breaker: {{failure_threshold: 1}}, \
         fallback_chain: [a, b], providers: {{\
         a: {{base_url: 'https://{HOST}/v1', api_key: sk-key-of-a, models: [m]}}, \
         b: {{base_url: '{}', api_key: sk-key-of-b, models: [m]}}}}}}\n",
        b.base_url()
    );
    let gateway = Binary::start(&yaml, &[("HTTPS_PROXY", &proxy.url("http"))]).await;
    for _ in 0..3 {
        let response = send(gateway.addr, post(CHAT, &ask())).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["x-switchtower-provider"], "b");
    }
    assert_eq!(proxy.asked().len(), 1, "then the circuit is open");
}

/// A failed lookup of the proxy's name is reported with that name, and not as the provider's.
#[tokio::test]
async fn a_proxy_that_nobody_knows() {
    let env = [("HTTPS_PROXY", "http://proxy.invalid:3128")];
    let yaml = yaml(&format!("https://{HOST}/v1"), "");
    let gateway = Binary::start(&yaml, &env).await;
    let (status, message) = chat(&gateway).await;
    assert_eq!(status, 502);
    assert!(message.contains("proxy proxy.invalid:3128"), "{message}");
}
