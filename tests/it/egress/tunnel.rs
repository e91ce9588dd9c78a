//! Tunnels: what passes through them, and how they are made.

use http::Version;

use super::{Far, HOST, chat, yaml};
use crate::support::*;

/// HTTP/2 is negotiated through the tunnel, and streams pass as they come.
#[tokio::test]
async fn versions_and_streams_pass() {
    for (alpn, version) in [(&["h2"][..], Version::HTTP_2), (&["http/1.1"], Version::HTTP_11)] {
        let gate = Gate::new();
        let held = gate.clone();
        let provider = provider(move |_| {
            Reply::events().role().delta("Hel").gate(&held).delta("lo").finish("stop").done()
        })
        .await;
        let authority = Authority::new();
        let front = TlsFront::start(&provider, &authority, HOST, alpn).await;
        let proxy = TestProxy::start(ProxyScript::Forward(front.addr)).await;
        let more = format!("ca: '{}', proxy: '{}'", authority.file(), proxy.url("http"));
        let gateway = Binary::start(&yaml(&format!("https://{HOST}:8443/v1"), &more), &[]).await;
        let mut events = Events::new(send(gateway.addr, post(CHAT, &ask_stream())).await);
        let first = events.next().await;
        gate.open();
        let rest = events.until_done().await;
        let text = sse::text(&[first.json()]) + &sse::text(&rest);
        assert!(text.ends_with("lo"), "{text}");
        assert_eq!(provider.received()[0].version, version);
        assert_eq!(proxy.asked(), [format!("CONNECT {HOST}:8443 HTTP/1.1")]);
    }
}

#[tokio::test]
async fn credentials_are_decoded_and_sent_to_the_proxy_alone() {
    let far = Far::new(&["h2", "http/1.1"]).await;
    // CORP\me:p@ss:word
    let script = ProxyScript::Authorized("Basic Q09SUFxtZTpwQHNzOndvcmQ=", far.front.addr);
    let proxy = TestProxy::start(script).await;
    let url = format!("http://CORP%5Cme:p%40ss:word@{}", proxy.addr);
    let gateway = Binary::start(&far.yaml(""), &[("HTTPS_PROXY", &url)]).await;
    assert_eq!(chat(&gateway).await, (200, String::new()));
    let received = far.provider.received();
    assert_eq!(received[0].header("proxy-authorization"), None);
}

/// Over TLS to the proxy, and through it over TLS to the provider.
#[tokio::test]
async fn a_proxy_may_speak_tls_itself() {
    let far = Far::new(&["h2", "http/1.1"]).await;
    let script = ProxyScript::Authorized("Basic dXNlcjpwYXNzd29yZA==", far.front.addr);
    let proxy = TestProxy::over_tls(script, &far.authority).await;
    let url = format!("https://user:password@{}", proxy.addr);
    let gateway = Binary::start(&far.yaml(""), &[("HTTPS_PROXY", &url)]).await;
    assert_eq!(chat(&gateway).await, (200, String::new()));
    assert_eq!(far.provider.received()[0].version, Version::HTTP_2);

    // A proxy with an unknown certificate gets no password.
    let stranger = Authority::new();
    let proxy = TestProxy::over_tls(ProxyScript::Silent, &stranger).await;
    let url = format!("https://user:password@{}", proxy.addr);
    let gateway = Binary::start(&far.yaml(""), &[("HTTPS_PROXY", &url)]).await;
    let (status, message) = chat(&gateway).await;
    assert_eq!(status, 502);
    assert!(message.contains(&format!("TLS with proxy {} fails: ", proxy.addr)), "{message}");
    assert_eq!(proxy.heads(), [""; 0]);
}

#[tokio::test]
async fn socks_connects_to_providers_by_their_names() {
    let far = Far::new(&["h2", "http/1.1"]).await;
    for (wanted, userinfo) in [(None, ""), (Some(("user", "p:w")), "user:p%3Aw@")] {
        for scheme in ["socks5", "socks5h"] {
            let proxy = TestProxy::start(ProxyScript::Socks(wanted, far.front.addr)).await;
            let url = format!("{scheme}://{userinfo}{}", proxy.addr);
            let gateway = Binary::start(&far.yaml(""), &[("ALL_PROXY", &url)]).await;
            assert_eq!(chat(&gateway).await, (200, String::new()), "{url}");
            assert_eq!(proxy.asked(), [format!("{HOST}:443")]);
        }
    }
    // Requests without TLS go through a tunnel as well.
    let plain = always(Reply::chat("Hello")).await;
    let proxy = TestProxy::start(ProxyScript::Socks(None, plain.addr())).await;
    let env = [("ALL_PROXY", &*proxy.url("socks5"))];
    let gateway = Binary::start(&yaml(&format!("http://{HOST}/v1"), ""), &env).await;
    assert_eq!(chat(&gateway).await, (200, String::new()));
    assert_eq!(proxy.asked(), [format!("{HOST}:80")]);
    assert_eq!(plain.received()[0].uri.authority(), None);

    let proxy = TestProxy::start(ProxyScript::Socks(Some(("user", "other")), far.front.addr)).await;
    let url = format!("socks5://user:hidden-word@{}", proxy.addr);
    let gateway = Binary::start(&far.yaml(""), &[("ALL_PROXY", &url)]).await;
    let (status, message) = chat(&gateway).await;
    assert_eq!(status, 502);
    assert!(message.contains(&format!("proxy {}: ", proxy.addr)), "{message}");
    assert!(!message.contains("hidden"), "{message}");
}
