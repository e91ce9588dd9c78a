//! Whether anything waits for a delayed acknowledgement, as small writes do without `TCP_NODELAY`.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use super::{CHAT, Events, Gate, H2, Raw, Reply, ask_stream, post};

/// How often each way is measured.
const ROUNDS: usize = 20;

/// The least time by which kernels delay an acknowledgement is 40 ms.
const ROOM: Duration = Duration::from_millis(25);

/// A stream that stops at the gate once.
pub fn gated(gate: &Gate) -> Reply {
    Reply::events().role().delta("first").gate(gate).delta("second").finish("stop").done()
}

/// A connection over which such streams are asked for, one after the other: only a connection that
/// was used before delays acknowledgements.
#[derive(Debug)]
pub struct Way {
    connection: Connection,
    ask: Value,
}

#[derive(Debug)]
enum Connection {
    Http1(Raw),
    Http2(H2),
}

impl Way {
    /// Over HTTP/1.1.
    pub async fn http1(addr: SocketAddr) -> Self {
        Self { connection: Connection::Http1(Raw::connect(addr).await), ask: ask_stream() }
    }

    /// Over HTTP/2.
    pub async fn http2(addr: SocketAddr) -> Self {
        let h2 = H2::connect(addr).await.expect("a connection");
        Self { connection: Connection::Http2(h2), ask: ask_stream() }
    }

    /// Asks for this model.
    pub fn model(mut self, name: &str) -> Self {
        self.ask["model"] = name.into();
        self
    }

    /// How long it takes to ask and to read up to the last word.
    async fn round(&mut self, gate: &Gate) -> Duration {
        let asked = Instant::now();
        match &mut self.connection {
            Connection::Http1(raw) => {
                raw.post(CHAT, &self.ask.to_string()).await;
                raw.until(b"first").await.expect("a stream");
                gate.open_one();
                raw.until(b"second").await.expect("a stream");
                let took = asked.elapsed();
                raw.until(b"0\r\n\r\n").await.expect("an end");
                took
            }
            Connection::Http2(h2) => {
                let response = h2.send(post(CHAT, &self.ask)).await.expect("an answer");
                let mut events = Events::new(response);
                events.next().await;
                events.next().await;
                gate.open_one();
                let took = events.next().await.at - asked;
                events.rest().await;
                took
            }
        }
    }
}

/// The way takes at most a little longer than so many times the yardstick. They are measured in
/// turn, since a busy machine slows both down, and the fastest quarter of the rounds is enough.
pub async fn assert_prompt(mut way: Way, times: u32, mut yardstick: Way, gate: &Gate) {
    let (mut took, mut expected) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        took.push(way.round(gate).await);
        expected.push(yardstick.round(gate).await);
    }
    took.sort_unstable();
    expected.sort_unstable();
    let bound = ROOM + times * expected[ROUNDS / 4];
    assert!(took[ROUNDS / 4] < bound, "{took:?} is slow beside {expected:?}");
}
