//! Neither user nor password of a proxy is shown to anybody.

use http::header::CONTENT_TYPE;

use super::{Far, HOST, chat, yaml};
use crate::support::*;

const USER: &str = "hidden-user";
const PASSWORD: &str = "hidden-p%40ssword";
/// Parts of all the ways in which they could be written: plain, decoded, and as base64.
const SIGNS: [&str; 3] = ["hidden-", "p@ssword", "aGlkZGVuL"];

#[track_caller]
fn hides(text: &str) {
    let lines = text.lines().find(|line| SIGNS.iter().any(|sign| line.contains(sign)));
    assert_eq!(lines, None);
}

#[tokio::test]
async fn not_in_logs_errors_and_reports() {
    let far = Far::new(&["h2", "http/1.1"]).await;
    let good = TestProxy::start(ProxyScript::Forward(far.front.addr)).await;
    let bad = TestProxy::start(ProxyScript::Answer("HTTP/1.1 407 No\r\n\r\n")).await;
    for (proxy, status) in [(&good, 200), (&bad, 502)] {
        let url = format!("http://{USER}:{PASSWORD}@{}", proxy.addr);
        let by_variable = (far.yaml(""), vec![("HTTPS_PROXY", &*url)]);
        let by_setting = (far.yaml(&format!("proxy: '{url}'")), vec![]);
        for (yaml, env) in [by_variable, by_setting] {
            let gateway =
                Binary::start(&yaml, &[&env[..], &[("RUST_LOG", "trace")]].concat()).await;
            let (seen, message) = chat(&gateway).await;
            assert_eq!(seen, status, "{message}");
            hides(&message);
            for path in [
                "/health",
                "/metrics",
                "/model-gateway/config",
                "/model-gateway/health",
                "/model-gateway/health/all",
                "/model-gateway/stats",
            ] {
                let body = client::body(send(gateway.addr, get(path)).await).await;
                hides(&String::from_utf8_lossy(&body));
            }
            // Errors in the file are reported without its passwords.
            let wrong = yaml.replace("logLevel: trace", "logLevel: trace\nprot: 1");
            let wrong = wrong.replace("models: [m]", "models: [m], modells: 1");
            std::fs::write(gateway.home_path().join("gateway.yaml"), wrong).unwrap();
            gateway.signal("HUP").await;
            eventually(|| gateway.log().contains("unknown setting")).await;
            let report = send(gateway.addr, get("/model-gateway/config")).await;
            hides(&String::from_utf8_lossy(&client::body(report).await));
            let log = gateway.log();
            assert!(log.len() > 1000, "{log}");
            hides(&log);
        }
    }
    let heads = good.heads();
    assert!(heads.iter().all(|head| head.contains("Basic aGlkZGVuL")), "{heads:?}");
}

/// A proxy that sends requests on sees them whole, and may quote them.
#[tokio::test]
async fn not_in_what_a_proxy_quotes() {
    let quotes = |request: Received| {
        let sent = request.header("proxy-authorization").unwrap_or_default().to_owned();
        let text = format!("denied: {sent} for hidden-user with hidden-p@ssword");
        Reply::error(403, &text)
    };
    let provider = provider(quotes).await;
    let proxy = TestProxy::start(ProxyScript::Forward(provider.addr())).await;
    let url = format!("http://{USER}:{PASSWORD}@{}", proxy.addr);
    let yaml = yaml(&format!("http://{HOST}/v1"), "");
    let gateway = Binary::start(&yaml, &[("HTTP_PROXY", &url)]).await;
    let response = send(gateway.addr, post(CHAT, &ask())).await;
    assert!(response.headers().contains_key(CONTENT_TYPE));
    let text = String::from_utf8_lossy(&client::body(response).await).into_owned();
    assert!(text.contains("denied: "), "{text}");
    hides(&text);
    hides(&gateway.log());
}
