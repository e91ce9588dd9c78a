//! Events over WebSockets.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::events::{broadcast, gateway, say, space};
use crate::support::{
    client::{body, json as json_of},
    *,
};

struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn connect(gateway: &Gateway, query: &str) -> Result<Self, Error> {
        let stream = TcpStream::connect(gateway.addr).await.unwrap();
        let url = format!("ws://{}/ws{query}", gateway.addr);
        soon(client_async(url, stream)).await.map(|(socket, _)| Self(socket))
    }

    async fn opened(gateway: &Gateway, query: &str) -> Self {
        let mut socket = Self::connect(gateway, query).await.unwrap();
        for expected in ["connected", "welcome"] {
            assert_eq!(socket.next().await["type"], expected);
        }
        socket
    }

    async fn message(&mut self) -> Option<Message> {
        soon(self.0.next()).await.map(|message| message.expect("a whole message"))
    }

    async fn next(&mut self) -> Value {
        let message = self.message().await.expect("one more");
        serde_json::from_str(message.to_text().unwrap()).unwrap()
    }

    async fn say(&mut self, text: impl Into<String>) {
        self.0.send(Message::Text(text.into().into())).await.unwrap();
    }
}

/// The status and code of a handshake that is refused.
async fn refused(gateway: &Gateway, query: &str) -> (u16, String) {
    match Socket::connect(gateway, query).await {
        Err(Error::Http(response)) => {
            let status = response.status().as_u16();
            (status, envelope(response.body().as_deref().unwrap()).code)
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it is open"),
    }
}

#[tokio::test]
async fn a_socket_tells_what_a_stream_tells() {
    let gateway = gateway().await;
    let mut socket = Socket::connect(&gateway, "").await.unwrap();
    let connected = socket.next().await;
    assert!(connected["client_id"].is_string() && connected["timestamp"].is_u64());
    let welcome = socket.next().await;
    assert!(welcome["type"] == "welcome" && welcome["agents"].is_array(), "{welcome}");
    assert_eq!(broadcast(&gateway, &json!("字")).await, 1);
    let event = socket.next().await;
    assert_eq!((&event["type"], &event["data"]), (&json!("my.news"), &json!("字")));
    drop(socket);
    broadcast(&gateway, &json!(2)).await;
    let mut socket =
        Socket::connect(&gateway, &format!("?lastEventId={}", event["id"])).await.unwrap();
    assert_eq!(socket.next().await["resumed"], true);
    assert_eq!(socket.next().await["type"], "welcome");
    assert_eq!(socket.next().await["data"], 2);
}

#[tokio::test]
async fn a_socket_about_a_space_tells_nothing_else() {
    let gateway = gateway().await;
    let (id, other) = (space(&gateway).await, space(&gateway).await);
    let mut socket = Socket::opened(&gateway, &format!("?spaceId={id}")).await;
    say(&gateway, &other).await;
    let message = say(&gateway, &id).await;
    assert_eq!(socket.next().await["message_id"], message);
}

#[tokio::test]
async fn clients_may_ping_and_nothing_else_is_read() {
    let gateway = gateway().await;
    let mut socket = Socket::opened(&gateway, "").await;
    for noise in ["", "{", "null", r#"{"type":"task.completed"}"#, r#"{"type":["ping"]}"#] {
        socket.say(noise).await;
    }
    socket.0.send(Message::Binary(vec![0; 1000].into())).await.unwrap();
    socket.say(r#"{"type":"ping"}"#).await;
    assert_eq!(socket.next().await, json!({"type": "pong"}));
    socket.0.send(Message::Ping("x".into())).await.unwrap();
    assert_eq!(socket.message().await, Some(Message::Pong("x".into())));
    socket.0.close(None).await.unwrap();
    assert!(matches!(socket.message().await, Some(Message::Close(_)) | None));
}

#[tokio::test]
async fn too_long_a_message_ends_the_socket() {
    let gateway = gateway().await;
    let mut socket = Socket::opened(&gateway, "").await;
    let mut other = Socket::opened(&gateway, "").await;
    socket.say("x".repeat((64 << 10) + 1)).await;
    let end = soon(socket.0.next()).await;
    assert!(matches!(end, None | Some(Err(_) | Ok(Message::Close(_)))), "{end:?}");
    broadcast(&gateway, &json!(1)).await;
    assert_eq!(other.next().await["data"], 1);
}

#[tokio::test]
async fn what_is_not_there_has_no_socket() {
    let gateway = gateway().await;
    assert_eq!(refused(&gateway, "?taskId=x").await, (404, "TASK_NOT_FOUND".into()));
    assert_eq!(refused(&gateway, "?spaceId=x").await, (404, "SPACE_NOT_FOUND".into()));
    assert_eq!(refused(&gateway, "?spaceId=x&spaceId=y").await.0, 400);
}

#[tokio::test]
async fn only_a_handshake_opens_a_socket() {
    let gateway = gateway().await;
    let mut halfway = get("/ws");
    halfway.headers_mut().insert("upgrade", "websocket".parse().unwrap());
    for response in [
        send(gateway.addr, get("/ws")).await,
        send(gateway.addr, halfway).await,
        send_h2(gateway.addr, get("/ws")).await.unwrap(),
    ] {
        assert_eq!(response.status(), 426);
        assert_eq!(
            response.headers().get("upgrade").is_some(),
            response.version() < http::Version::HTTP_2
        );
        assert_eq!(envelope(&body(response).await).code, "INVALID_REQUEST");
    }
    let info = json_of(send(gateway.addr, get("/ws-info")).await).await;
    let fields: Vec<_> = info.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["endpoints", "example", "message"]);
    assert_eq!(info["endpoints"]["websocket"], format!("ws://{}/ws", gateway.addr));
}

#[tokio::test]
async fn a_slow_socket_is_dropped_and_the_others_go_on() {
    let gateway = gateway().await;
    let slow = Socket::opened(&gateway, "").await;
    let mut quick = Socket::opened(&gateway, "").await;
    let large = json!("x".repeat(60_000));
    let mut heard = 0;
    while broadcast(&gateway, &large).await == 2 {
        assert_eq!(quick.next().await["data"], large);
        heard += 1;
        assert!(heard < 2000, "the kernel and 4 MiB hold less than this");
    }
    assert_eq!(quick.next().await["data"], large);
    assert_eq!(broadcast(&gateway, &json!("last")).await, 1);
    assert_eq!(quick.next().await["data"], "last");
    drop(slow);
}

#[tokio::test]
async fn stopping_says_goodbye() {
    let mut gateway = Gateway::start("drain_ms: 60000").await;
    let mut socket = Socket::opened(&gateway, "").await;
    let stuck = Socket::opened(&gateway, "").await;
    let start = Instant::now();
    gateway.stop();
    let Some(Message::Close(Some(goodbye))) = socket.message().await else { panic!("no goodbye") };
    assert_eq!((u16::from(goodbye.code), &*goodbye.reason), (1001, "the gateway stops"));
    while socket.message().await.is_some() {}
    gateway.stopped().await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    drop(stuck);
}
