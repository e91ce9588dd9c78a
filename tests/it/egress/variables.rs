//! Which variable counts for whom.

use std::fs;

use super::{Far, HOST, chat, yaml};
use crate::support::*;

const CONNECT: [&str; 1] = ["CONNECT llm.example.test:443 HTTP/1.1"];

#[tokio::test]
async fn a_provider_over_https_is_reached_by_what_the_environment_names() {
    let far = Far::new(&["h2", "http/1.1"]).await;
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = TestProxy::start(ProxyScript::Forward(far.front.addr)).await;
        let gateway = Binary::start(&far.yaml(""), &[(name, &proxy.url("http"))]).await;
        assert_eq!(chat(&gateway).await, (200, String::new()), "{name}");
        assert_eq!(chat(&gateway).await.0, 200, "{name}");
        assert_eq!(proxy.asked(), CONNECT, "{name}: one tunnel for both");
        let heads = proxy.heads();
        assert!(heads[0].to_ascii_lowercase().contains(&format!("host: {HOST}:443")), "{heads:?}");
        assert!(!heads[0].to_ascii_lowercase().contains("authorization"), "{heads:?}");
    }
    assert!(
        far.provider
            .received()
            .iter()
            .all(|r| r.header("authorization") == Some("Bearer sk-key-of-a"))
    );
}

/// The variables of the other scheme, and hosts that are listed, are reached directly: there is no
/// such host, so that is an error.
#[tokio::test]
async fn nobody_else_is_asked() {
    let far = Far::new(&[]).await;
    let proxy = TestProxy::start(ProxyScript::Forward(far.front.addr)).await;
    let url = proxy.url("http");
    let yaml = far.yaml("").replace("connect_ms: 4000", "connect_ms: 500");
    for env in [
        &[("HTTP_PROXY", &*url)][..],
        &[("HTTPS_PROXY", &*url), ("NO_PROXY", "localhost,.example.test")],
        &[("HTTPS_PROXY", &*url), ("no_proxy", "llm.example.test:443")],
        &[("ALL_PROXY", &*url), ("NO_PROXY", "*")],
        &[("HTTPS_PROXY", "")],
    ] {
        let gateway = Binary::start(&yaml, env).await;
        let (status, message) = chat(&gateway).await;
        assert_eq!(status, 502, "{env:?}");
        assert!(!message.contains("proxy"), "{message}");
    }
    let none = yaml.replace("{base_url", "{proxy: none, base_url");
    let gateway = Binary::start(&none, &[("HTTPS_PROXY", &url)]).await;
    assert_eq!(chat(&gateway).await.0, 502);
    assert_eq!(proxy.asked(), [""; 0]);
    // What is listed is another host, or another port of it.
    for no_proxy in ["example.org", "llm.example.test:8443", "xllm.example.test", "10.0.0.0/8"] {
        let proxy = TestProxy::start(ProxyScript::Forward(far.front.addr)).await;
        let env = [("HTTPS_PROXY", &*proxy.url("http")), ("NO_PROXY", no_proxy)];
        let gateway = Binary::start(&far.yaml(""), &env).await;
        assert_eq!(chat(&gateway).await.0, 200, "{no_proxy}");
        assert_eq!(proxy.asked(), CONNECT);
    }
}

#[tokio::test]
async fn a_provider_on_this_machine_is_never_reached_through_a_proxy() {
    let provider = always(Reply::chat("Hello")).await;
    let proxy = TestProxy::start(ProxyScript::Answer("HTTP/1.1 500 No\r\n\r\n")).await;
    let url = proxy.url("http");
    let env = [
        ("HTTP_PROXY", &*url),
        ("http_proxy", &*url),
        ("HTTPS_PROXY", &*url),
        ("ALL_PROXY", &*url),
    ];
    let port = provider.addr().port();
    for host in ["127.0.0.1", "localhost"] {
        for own in ["", "proxy: 'http://127.0.0.1:1'"] {
            let yaml = yaml(&format!("http://{host}:{port}/v1"), own);
            let gateway = Binary::start(&yaml, &env).await;
            assert_eq!(chat(&gateway).await, (200, String::new()), "{host} {own}");
        }
    }
    assert_eq!(proxy.asked(), [""; 0]);
}

#[tokio::test]
async fn a_dotenv_file_counts_below_the_environment() {
    let far = Far::new(&["h2", "http/1.1"]).await;
    let [near, other] = [(); 2].map(|()| TestProxy::start(ProxyScript::Forward(far.front.addr)));
    let (near, other) = (near.await, other.await);
    let home = || {
        let home = tempfile::tempdir().unwrap();
        let text = format!("HTTPS_PROXY={}\nNO_PROXY=other.example\n", near.url("http"));
        fs::write(home.path().join(".env"), text).unwrap();
        home
    };
    let gateway = Binary::start_in(home(), &far.yaml(""), &[]).await;
    assert_eq!(chat(&gateway).await, (200, String::new()));
    assert_eq!((near.asked().len(), other.asked().len()), (1, 0));
    for name in ["HTTPS_PROXY", "https_proxy"] {
        let env = [(name, &*other.url("http"))];
        let gateway = Binary::start_in(home(), &far.yaml(""), &env).await;
        assert_eq!(chat(&gateway).await, (200, String::new()));
    }
    assert_eq!((near.asked().len(), other.asked().len()), (1, 2));
}

#[cfg(unix)]
#[tokio::test]
async fn another_proxy_is_taken_up_by_a_reload() {
    let far = Far::new(&["http/1.1"]).await;
    let old = TestProxy::start(ProxyScript::Forward(far.front.addr)).await;
    let new = TestProxy::start(ProxyScript::Forward(far.front.addr)).await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".env");
    fs::write(&file, format!("HTTPS_PROXY={}\n", old.url("http"))).unwrap();
    let gateway = Binary::start_in(home, &far.yaml(""), &[]).await;
    assert_eq!(chat(&gateway).await.0, 200);
    fs::write(&file, format!("HTTPS_PROXY={}\n", new.url("http"))).unwrap();
    gateway.signal("HUP").await;
    eventually(|| gateway.log().contains("changed=models.providers.a")).await;
    assert_eq!(chat(&gateway).await.0, 200);
    assert_eq!((old.asked().len(), new.asked().len()), (1, 1));
}

#[tokio::test]
async fn its_own_proxy_goes_before_all_variables() {
    let far = Far::new(&["h2"]).await;
    let own = TestProxy::start(ProxyScript::Forward(far.front.addr)).await;
    let other = TestProxy::start(ProxyScript::Silent).await;
    let yaml = far.yaml(&format!("proxy: '{}'", own.url("http")));
    let env = [("HTTPS_PROXY", &*other.url("http")), ("NO_PROXY", "*")];
    let gateway = Binary::start(&yaml, &env).await;
    assert_eq!(chat(&gateway).await, (200, String::new()));
    assert_eq!((own.asked().len(), other.asked().len()), (1, 0));
}
