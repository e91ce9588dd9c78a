//! https, to the end.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, time::timeout};

use crate::auth::house::*;
use crate::support::{
    Authority, CHAT, Gateway, Provider, Raw, Reply, always, ask, get, send, soon, try_send,
};

const NAME: &str = "gateway.example";

/// A gateway with a certificate, and a client that trusts it.
struct Secured {
    gateway: Gateway,
    authority: Authority,
    files: tempfile::TempDir,
}

impl Secured {
    async fn before(provider: &Provider) -> Self {
        let (authority, files) = (Authority::new(), tempfile::tempdir().expect("no failure"));
        authority.issue(NAME, files.path());
        let tls = tls(files.path());
        let gateway = house(provider, &format!("{}{tls}", one_for_each_scope())).await;
        Self { gateway, authority, files }
    }
}

fn tls(files: &Path) -> String {
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| files.join(name).display().to_string());
    format!("tls: {{cert: '{cert}', key: '{key}'}}\n")
}

fn request(version: Version) -> Request<Full<Bytes>> {
    let uri = match version {
        Version::HTTP_2 => format!("https://{NAME}{CHAT}"),
        _ => CHAT.to_owned(),
    };
    let request = Request::post(uri).header("content-type", "application/json");
    let request = match version {
        Version::HTTP_2 => request,
        _ => request.header("host", NAME),
    };
    let request = request.header("authorization", format!("Bearer {}", key("models")));
    request.body(Full::new(ask().to_string().into())).expect("no failure")
}

/// Offers these protocols, asks for an answer, and gives its version and text.
async fn asked(addr: SocketAddr, authority: &Authority, alpn: &[&str]) -> (Version, String) {
    answered(addr, authority, alpn, request).await
}

async fn answered(
    addr: SocketAddr,
    authority: &Authority,
    alpn: &[&str],
    request: fn(Version) -> Request<Full<Bytes>>,
) -> (Version, String) {
    let stream = soon(authority.connect(addr, NAME, alpn)).await.expect("a handshake");
    let response = if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("no failure");
        tokio::spawn(connection);
        soon(sender.send_request(request(Version::HTTP_2))).await.expect("no failure")
    } else {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.expect("no failure");
        tokio::spawn(connection);
        soon(sender.send_request(request(Version::HTTP_11))).await.expect("no failure")
    };
    assert_eq!(response.status(), 200);
    let version = response.version();
    let body = soon(response.into_body().collect()).await.expect("no failure").to_bytes();
    (version, String::from_utf8(body.to_vec()).expect("no failure"))
}

#[tokio::test]
async fn both_versions_are_spoken_over_tls() {
    let provider = always(Reply::chat("Hi")).await;
    let Secured { gateway, authority, .. } = Secured::before(&provider).await;
    for (alpn, version) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let (spoken, text) = asked(gateway.addr, &authority, alpn).await;
        assert!(spoken == version && text.contains("Hi"), "{alpn:?}: {spoken:?} {text}");
    }
    let proto = |request: &crate::support::Received| {
        request.header("x-forwarded-proto").map(ToOwned::to_owned)
    };
    assert!(provider.received().iter().all(|request| proto(request).as_deref() == Some("https")));
    // A plain-text client gets no plain-text answer.
    let plain = try_send(gateway.addr, by("models", get("/health"))).await;
    assert!(plain.is_err(), "{plain:?}");
    let stranger = Authority::new().connect(gateway.addr, NAME, &[]).await;
    assert!(stranger.is_err(), "somebody else's authority");
}

/// Where the events are is said with the scheme that they are to be asked with.
#[tokio::test]
async fn urls_that_it_gives_are_secure() {
    let provider = always(Reply::chat("Hi")).await;
    let Secured { gateway, authority, .. } = Secured::before(&provider).await;
    let info = |_| {
        let request = Request::get("/ws-info").header("host", NAME);
        let request = request.header("authorization", format!("Bearer {}", key("agents")));
        request.body(Full::default()).expect("no failure")
    };
    let (_, text) = answered(gateway.addr, &authority, &["http/1.1"], info).await;
    for url in ["wss://gateway.example/ws", "https://gateway.example/events"] {
        assert!(text.contains(&format!("\"{url}\"")), "{text}");
    }
}

/// Neither those that connect later nor the stop have to wait for it.
#[tokio::test]
async fn a_handshake_that_does_not_come_holds_up_nobody() {
    let provider = always(Reply::chat("Hi")).await;
    let Secured { mut gateway, authority, .. } = Secured::before(&provider).await;
    let mut silent = Vec::new();
    for _ in 0..5 {
        silent.push(TcpStream::connect(gateway.addr).await.unwrap());
    }
    asked(gateway.addr, &authority, &["h2"]).await;
    gateway.stop();
    timeout(Duration::from_secs(5), gateway.stopped()).await.expect("it stops at once");
}

/// It is read again when it is asked to; a bad one changes nothing.
#[tokio::test]
async fn a_new_certificate_is_used_for_new_connections() {
    let provider = always(Reply::chat("Hi")).await;
    let Secured { gateway, authority, files } = Secured::before(&provider).await;
    let other = Authority::new();
    other.issue(NAME, files.path());
    asked(gateway.addr, &authority, &[]).await;
    gateway.reload().await.unwrap();
    asked(gateway.addr, &other, &[]).await;
    assert!(authority.connect(gateway.addr, NAME, &[]).await.is_err());
    for (file, text) in [("cert.pem", "no PEM"), ("key.pem", "")] {
        let good = fs::read(files.path().join(file)).unwrap();
        fs::write(files.path().join(file), text).unwrap();
        let error = gateway.reload().await.unwrap_err();
        assert!(error.contains(file), "{error}");
        fs::write(files.path().join(file), good).unwrap();
        asked(gateway.addr, &other, &[]).await;
    }
    // The key of another certificate.
    let third = tempfile::tempdir().unwrap();
    other.issue(NAME, third.path());
    fs::copy(third.path().join("key.pem"), files.path().join("key.pem")).unwrap();
    assert!(gateway.reload().await.is_err());
    asked(gateway.addr, &other, &[]).await;
}

#[tokio::test]
async fn without_tls_it_speaks_plain_text() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = house(&provider, "").await;
    assert_eq!(send(gateway.addr, get("/health")).await.status(), 200);
    let mut raw = Raw::connect(gateway.addr).await;
    raw.write([0x16, 3, 1, 0, 0xff].repeat(10)).await;
    assert!(!soon(raw.rest()).await.unwrap_or_default().starts_with(b"\x16"));
}
