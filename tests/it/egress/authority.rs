//! Authorities of one's own.

use std::fs;

use super::{HOST, chat, yaml};
use crate::support::*;

/// One authority, and a provider that is certified by it as 127.0.0.1.
async fn certified(authority: &Authority) -> (Provider, TlsFront) {
    let provider = always(Reply::chat("Hello")).await;
    let front = TlsFront::start(&provider, authority, "127.0.0.1", &["h2", "http/1.1"]).await;
    (provider, front)
}

#[tokio::test]
async fn it_counts_for_its_provider_alone() {
    let authority = Authority::new();
    let (_provider, front) = certified(&authority).await;
    let url = front.base_url();
    let yaml = format!(
        "models: {{retry: {{max_retries: 0}}, providers: {{\
         a: {{base_url: '{url}', api_key: sk-key-of-a, ca: '{}'}}, \
         b: {{base_url: '{url}', api_key: sk-key-of-b}}}}}}\n",
        authority.file()
    );
    let gateway = Binary::start(&yaml, &[]).await;
    let status = async |model: &str| {
        let mut ask = ask();
        ask["model"] = model.into();
        let response = send(gateway.addr, post(CHAT, &ask)).await;
        (response.status().as_u16(), client::body(response).await)
    };
    assert_eq!(status("a/m").await.0, 200);
    let (refused, body) = status("b/m").await;
    assert_eq!(refused, 502);
    assert!(envelope(&body).message.contains("invalid peer certificate"));
}

/// Besides, and not instead of, those of the system.
#[tokio::test]
async fn the_systems_stay() {
    let (known, other) = (Authority::new(), Authority::new());
    let (_provider, front) = certified(&known).await;
    let yaml = yaml(&front.base_url(), &format!("ca: '{}'", other.file()));
    let gateway = Binary::start(&yaml, &[("SSL_CERT_FILE", known.file())]).await;
    assert_eq!(chat(&gateway).await, (200, String::new()));
}

#[cfg(unix)]
#[tokio::test]
async fn a_reload_reads_the_file_again() {
    let (old, new) = (Authority::new(), Authority::new());
    let (_provider, front) = certified(&new).await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("ca.pem");
    fs::copy(old.file(), &file).unwrap();
    let yaml = yaml(&front.base_url(), "ca: ca.pem");
    let gateway = Binary::start_in(home, &yaml, &[]).await;
    assert_eq!(chat(&gateway).await.0, 502);
    fs::copy(new.file(), &file).unwrap();
    gateway.signal("HUP").await;
    eventually(|| gateway.log().contains("changed=models.providers.a")).await;
    assert_eq!(chat(&gateway).await, (200, String::new()));
    // One that cannot be used changes nothing.
    fs::write(&file, "nothing").unwrap();
    gateway.signal("HUP").await;
    eventually(|| gateway.log().contains("ca.pem has no certificate in PEM")).await;
    assert_eq!(chat(&gateway).await.0, 200);
}

/// As a company's proxy does it that looks into everything: its own authority certifies providers.
#[tokio::test]
async fn a_proxy_that_breaks_tls_open_is_trusted_by_it() {
    let authority = Authority::new();
    let provider = always(Reply::chat("Hello")).await;
    let front = TlsFront::start(&provider, &authority, HOST, &["http/1.1"]).await;
    let proxy = TestProxy::start(ProxyScript::Forward(front.addr)).await;
    let env = [("HTTPS_PROXY", &*proxy.url("http"))];
    let url = format!("https://{HOST}/v1");
    let gateway = Binary::start(&yaml(&url, ""), &env).await;
    let (status, message) = chat(&gateway).await;
    assert_eq!(status, 502);
    assert!(message.contains("invalid peer certificate"), "{message}");
    let trusting = yaml(&url, &format!("ca: '{}'", authority.file()));
    let gateway = Binary::start(&trusting, &env).await;
    assert_eq!(chat(&gateway).await, (200, String::new()));
}
