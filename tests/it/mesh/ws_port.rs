//! WebSockets at a port of their own.

use std::net::SocketAddr;

use futures_util::StreamExt;
use http::StatusCode;
use serde_json::{Value, json};
use switchtower::app::Gateway as Server;
use switchtower::config::{Config, Env, KeyHash};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::events::{broadcast, say, space};
use crate::support::{Authority, CHAT, Gateway, Raw, ask, client, envelope, get, post, send, soon};

/// A gateway with both ports, and these settings.
async fn gateway(settings: &str) -> (Gateway, SocketAddr) {
    let gateway = Gateway::start(&format!("wsPort: 0\n{settings}")).await;
    let addr = gateway.ws_addr.expect("a port of their own");
    assert_ne!(addr, gateway.addr);
    (gateway, addr)
}

/// A WebSocket over this connection, opened with these headers.
async fn open<S>(
    stream: S,
    url: &str,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<S>, u16>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match soon(client_async(request, stream)).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn at(addr: SocketAddr, path: &str) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(addr).await.unwrap();
    let mut socket = open(stream, &format!("ws://{addr}{path}"), &[]).await.expect("it opens");
    for expected in ["connected", "welcome"] {
        assert_eq!(next(&mut socket).await["type"], expected);
    }
    socket
}

/// The status that a handshake is refused with.
async fn refused(addr: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> u16 {
    let stream = TcpStream::connect(addr).await.unwrap();
    open(stream, &format!("ws://{addr}{path}"), headers).await.expect_err("it is refused")
}

async fn next<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>) -> Value {
    let message = soon(socket.next()).await.expect("one more").expect("a whole message");
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

#[tokio::test]
async fn both_paths_tell_what_the_main_port_tells() {
    let (gateway, addr) = gateway("").await;
    let id = space(&gateway).await;
    let mut root = at(addr, "/").await;
    let mut named = at(addr, "/ws").await;
    let mut about = at(addr, &format!("/?spaceId={id}")).await;
    let mut main = at(gateway.addr, "/ws").await;
    assert_eq!(broadcast(&gateway, &json!(7)).await, 3);
    for socket in [&mut root, &mut named, &mut main] {
        assert_eq!(next(socket).await["data"], 7);
    }
    let message = say(&gateway, &id).await;
    assert_eq!(next(&mut about).await["message_id"], message);
    assert_eq!(refused(addr, "/?taskId=x", &[]).await, 404);
    assert_eq!(refused(addr, "/?spaceId=x&spaceId=y", &[]).await, 400);
}

#[tokio::test]
async fn nothing_else_is_there() {
    let (gateway, addr) = gateway("").await;
    for path in [
        "/health",
        "/dashboard",
        "/tasks",
        "/events",
        "/ws/",
        "/ws-info",
        "/v1/models",
        "/metrics",
        "/openapi.json",
        "//",
        "/ws/x",
    ] {
        let response = send(addr, get(path)).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(envelope(&client::body(response).await).code, "NOT_FOUND", "{path}");
        assert_eq!(refused(addr, path, &[]).await, 404, "{path}");
    }
    for path in [CHAT, "/tasks", "/broadcast"] {
        assert_eq!(send(addr, post(path, &ask())).await.status(), 404, "{path}");
    }
    for path in ["/", "/ws"] {
        assert_eq!(send(addr, get(path)).await.status(), 426, "{path}: no handshake");
        assert_eq!(send(addr, post(path, &json!({}))).await.status(), 405, "{path}");
    }
    assert_eq!(send(gateway.addr, get("/")).await.status(), 404, "as without another port");
    assert_eq!(Gateway::start("{}").await.ws_addr, None);
}

#[tokio::test]
async fn pages_of_others_are_refused() {
    let (_gateway, addr) = gateway("").await;
    let own = format!("http://{addr}");
    for path in ["/", "/ws"] {
        for headers in [
            [("host", "evil.example")],
            [("host", "192.168.1.5:3001")],
            [("origin", "https://evil.example")],
            [("origin", "http://127.0.0.1:3000")],
            [("origin", "null")],
            [("sec-fetch-site", "cross-site")],
        ] {
            assert_eq!(refused(addr, path, &headers).await, 403, "{path} {headers:?}");
        }
        let stream = TcpStream::connect(addr).await.unwrap();
        let opened = open(stream, &format!("ws://{addr}{path}"), &[("origin", &own)]).await;
        assert!(opened.is_ok(), "{path}");
    }
}

#[tokio::test]
async fn a_key_is_needed_where_there_are_keys() {
    let entry = |scope: &str| {
        let hash = KeyHash::of(format!("st-key-of-{scope}").as_bytes());
        format!("{{name: {scope}, hash: '{hash}', scopes: [{scope}]}}")
    };
    let keys = format!("auth: {{keys: [{}, {}]}}", entry("agents"), entry("models"));
    let (_gateway, addr) = gateway(&keys).await;
    for path in ["/", "/ws"] {
        assert_eq!(refused(addr, path, &[]).await, 401, "{path}");
        let key = |scope: &str| format!("Bearer st-key-of-{scope}");
        assert_eq!(refused(addr, path, &[("authorization", &key("nobody"))]).await, 401, "{path}");
        assert_eq!(refused(addr, path, &[("authorization", &key("models"))]).await, 403, "{path}");
        let stream = TcpStream::connect(addr).await.unwrap();
        let url = format!("ws://{addr}{path}");
        let mut socket = open(stream, &url, &[("authorization", &key("agents"))]).await.unwrap();
        assert_eq!(next(&mut socket).await["type"], "connected");
    }
}

#[tokio::test]
async fn it_is_secure_where_the_main_port_is() {
    let (authority, files) = (Authority::new(), tempfile::tempdir().unwrap());
    authority.issue("localhost", files.path());
    let file = |name: &str| files.path().join(name).display().to_string();
    let tls = format!("tls: {{cert: '{}', key: '{}'}}", file("cert.pem"), file("key.pem"));
    let (_gateway, addr) = gateway(&tls).await;
    for path in ["/", "/ws"] {
        let stream = authority.connect(addr, "localhost", &["http/1.1"]).await.unwrap();
        let mut socket = open(stream, &format!("wss://localhost{path}"), &[]).await.unwrap();
        assert_eq!(next(&mut socket).await["type"], "connected");
    }
    let mut plain = Raw::connect(addr).await;
    plain.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let answer = plain.rest().await.unwrap_or_default();
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
}

/// Connections to both ports are counted together.
#[tokio::test]
async fn limits_are_those_of_the_gateway() {
    let (gateway, addr) = gateway("limits: {connections: 1}").await;
    let socket = at(addr, "/").await;
    let mut waiting = Raw::connect(gateway.addr).await;
    waiting.write("GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    let answer = waiting.rest();
    tokio::pin!(answer);
    let early = tokio::time::timeout(std::time::Duration::from_millis(200), &mut answer).await;
    assert!(early.is_err(), "there is no place for it");
    drop(socket);
    assert!(soon(answer).await.unwrap().starts_with(b"HTTP/1.1 200"));
    at(addr, "/").await;
}

#[tokio::test]
async fn stopping_says_goodbye_and_takes_no_more() {
    let (mut gateway, addr) = gateway("drain_ms: 60000").await;
    let mut socket = at(addr, "/").await;
    gateway.stop();
    let message = soon(socket.next()).await;
    let Some(Ok(Message::Close(Some(goodbye)))) = message else { panic!("{message:?}") };
    assert_eq!((u16::from(goodbye.code), &*goodbye.reason), (1001, "the gateway stops"));
    while soon(socket.next()).await.is_some() {}
    gateway.stopped().await;
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn another_configuration_counts_there_too() {
    let (gateway, addr) = gateway("").await;
    gateway.reload().await.unwrap();
    let mut socket = at(addr, "/").await;
    broadcast(&gateway, &json!(1)).await;
    assert_eq!(next(&mut socket).await["data"], 1);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = taken.local_addr().unwrap();
    let data = tempfile::tempdir().unwrap();
    let yaml = format!("port: 0\nwsPort: {}\ndataDir: {}", addr.port(), data.path().display());
    let config = Config::from_yaml("test.yaml", &yaml, &Env::empty()).unwrap();
    let error = Server::bind(&config).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    let text = error.to_string();
    assert!(text.contains("`wsPort`") && text.contains(&addr.to_string()), "{text}");
    let home = tempfile::tempdir().unwrap();
    let text =
        crate::support::Binary::fails_in(home.path(), &format!("wsPort: {}", addr.port())).await;
    assert!(text.contains("`wsPort`: cannot listen on") && text.contains("help: "), "{text}");
}
