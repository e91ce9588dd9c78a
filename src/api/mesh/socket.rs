//! Events over a WebSocket.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use tokio::time::{Instant, interval_at, timeout};

use crate::mesh::events::{End, EventStream};

/// Maximum size of a client's message, in bytes.
const MAX_MESSAGE_LEN: usize = 64 << 10;
/// How often a client shows that it is there.
const PING: Duration = Duration::from_secs(30);
/// How long a client may take for what it is sent.
const SEND_DEADLINE: Duration = Duration::from_secs(10);
/// How long a client may take to say goodbye.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);
/// Try again later (IANA's registry of close codes).
const AGAIN: u16 = 1013;

pub(super) fn serve(upgrade: WebSocketUpgrade, stream: EventStream) -> Response {
    let upgrade = upgrade.max_message_size(MAX_MESSAGE_LEN).max_frame_size(MAX_MESSAGE_LEN);
    let on_failure = |error| tracing::debug!(%error, "a WebSocket was not opened");
    upgrade.on_failed_upgrade(on_failure).on_upgrade(|socket| tell(socket, stream))
}

/// Reason for the end of a WebSocket.
enum Done {
    /// It went, or does not take what it is sent.
    Gone,
    /// It should know.
    Ended(End),
}

async fn tell(mut socket: WebSocket, mut stream: EventStream) {
    let Done::Ended(end) = run(&mut socket, &mut stream).await else { return };
    let (code, reason) = match end {
        End::Closed => (close_code::AWAY, "the gateway stops"),
        End::Overrun => (AGAIN, "too slow: come back with lastEventId"),
    };
    let goodbye = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    let close = async {
        if socket.send(goodbye).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    let _ = timeout(CLOSE_DEADLINE, close).await;
}

async fn run(socket: &mut WebSocket, stream: &mut EventStream) -> Done {
    let mut ping = interval_at(Instant::now() + PING, PING);
    let mut is_there = true;
    loop {
        let message = tokio::select! {
            frame = stream.next() => match frame {
                Ok(frame) => text(frame.json()),
                Err(end) => return Done::Ended(end),
            },
            heard = socket.recv() => match heard {
                Some(Ok(message)) => {
                    is_there = true;
                    match answer(&message) {
                        Some(answer) => answer,
                        None => continue,
                    }
                }
                // It closed, or what it sent is too large or no message.
                Some(Err(_)) | None => return Done::Gone,
            },
            _ = ping.tick() => {
                if !std::mem::take(&mut is_there) {
                    return Done::Gone;
                }
                Message::Ping(Bytes::new())
            }
        };
        if !matches!(timeout(SEND_DEADLINE, socket.send(message)).await, Ok(Ok(()))) {
            return Done::Gone;
        }
    }
}

fn text(json: Bytes) -> Message {
    // JSON is UTF-8.
    Message::Text(Utf8Bytes::try_from(json).unwrap_or_default())
}

/// Pings of the protocol are answered below.
fn answer(message: &Message) -> Option<Message> {
    #[derive(Deserialize)]
    struct ClientMessage<'a> {
        r#type: &'a str,
    }
    let Message::Text(said) = message else { return None };
    let said: ClientMessage<'_> = serde_json::from_str(said.as_str()).ok()?;
    (said.r#type == "ping").then(|| text(Bytes::from_static(br#"{"type":"pong"}"#)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pings_are_answered() {
        let said = |text: &str| answer(&Message::Text(text.into())).is_some();
        assert!(said(r#"{"type":"ping"}"#) && said(r#" {"id": 1, "type": "ping"} "#));
        for text in ["", "ping", "[]", r#"{"type":1}"#, r#"{"type":"pong"}"#, r#"{"type":"ping""#] {
            assert!(!said(text), "{text}");
        }
    }
}
