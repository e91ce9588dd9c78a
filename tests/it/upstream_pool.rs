//! Connections to providers: when one is used again, and when it is not.

// All of it runs in tests only; clippy sees that of test functions alone.
#![allow(clippy::unwrap_used)]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use crate::support::*;
use tokio::{io::AsyncWriteExt, net::TcpListener, task::JoinHandle};

/// What becomes of one request on a connection.
#[derive(Clone, Copy)]
enum Step {
    /// The request is read, and answered with these bytes.
    Answer(&'static str),
    /// The request is read, and the connection is closed.
    Close,
    /// The connection is closed before there is another request.
    HangUp,
    /// Only the head is read before these bytes are the answer; the rest of the request never is.
    Early(&'static str),
}

const OK: Step = Step::Answer(
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 77\r\n\r\n\
     {\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\",\"index\":0}]}\n\n",
);

/// A provider that follows a script, a line of it for each connection.
struct Scripted {
    addr: SocketAddr,
    accepted: Arc<AtomicUsize>,
    listener: JoinHandle<()>,
}

impl Scripted {
    async fn start(script: &'static [&'static [Step]]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = accepted.clone();
        let listener = tokio::spawn(async move {
            for steps in script {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Relaxed);
                tokio::spawn(follow(Raw::new(stream), steps));
            }
        });
        Self { addr, accepted, listener }
    }

    async fn gateway(&self) -> Gateway {
        Gateway::at(&format!("http://{}/v1", self.addr), "").await
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Relaxed)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn follow(mut raw: Raw, steps: &[Step]) {
    for step in steps {
        if let Step::HangUp = step {
            return;
        }
        let Ok(head) = raw.until(b"\r\n\r\n").await else { return };
        let head = String::from_utf8(head).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.unwrap().parse().unwrap();
        match step {
            Step::Early(bytes) => raw.stream.write_all(bytes.as_bytes()).await.unwrap(),
            Step::Answer(bytes) => {
                raw.exactly(length).await.unwrap();
                raw.stream.write_all(bytes.as_bytes()).await.unwrap();
            }
            Step::Close | Step::HangUp => {
                raw.exactly(length).await.unwrap();
                return;
            }
        }
    }
    // Stays open until the other end closes it.
    let _ = raw.rest().await;
}

/// The status, and how many attempts the gateway made.
async fn status(gateway: &Gateway) -> (u16, String) {
    let response = send(gateway.addr, post(CHAT, &ask())).await;
    let attempts = response.headers().get("x-switchtower-attempts");
    let attempts = attempts.map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    client::body(response).await;
    (status, attempts)
}

fn answered() -> (u16, String) {
    (200, "1".to_owned())
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_not_used_again() {
    let provider = Scripted::start(&[&[OK, Step::HangUp], &[OK]]).await;
    let gateway = provider.gateway().await;
    assert_eq!(status(&gateway).await, answered());
    assert_eq!(status(&gateway).await, answered());
    assert_eq!(provider.accepted(), 2);
}

/// The provider has read the request, so the close could not be seen before.
#[tokio::test]
async fn a_used_connection_that_closes_instead_of_answering_is_replaced() {
    let provider = Scripted::start(&[&[OK, OK, Step::Close], &[OK]]).await;
    let gateway = provider.gateway().await;
    for _ in 0..3 {
        assert_eq!(status(&gateway).await, answered());
    }
    assert_eq!(provider.accepted(), 2);
}

#[tokio::test]
async fn it_is_replaced_once() {
    let provider = Scripted::start(&[&[OK, Step::Close], &[Step::Close], &[OK]]).await;
    let gateway = provider.gateway().await;
    assert_eq!(status(&gateway).await, answered());
    assert_eq!(status(&gateway).await.0, 502);
    assert_eq!(provider.accepted(), 2);
}

#[tokio::test]
async fn a_new_connection_that_closes_is_a_fault() {
    let provider = Scripted::start(&[&[Step::Close], &[OK]]).await;
    let gateway = provider.gateway().await;
    assert_eq!(status(&gateway).await.0, 502);
    assert_eq!(provider.accepted(), 1);
}

/// An unsolicited answer may not become that of the next request.
#[tokio::test]
async fn what_comes_behind_an_answer_is_no_answer() {
    const TWICE: Step = Step::Answer(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 77\r\n\r\n\
         {\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\",\"index\":0}]}\n\n\
         HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
    );
    let provider = Scripted::start(&[&[TWICE, OK], &[OK]]).await;
    let gateway = provider.gateway().await;
    assert_eq!(status(&gateway).await, answered());
    assert_eq!(status(&gateway).await, answered());
    assert_eq!(provider.accepted(), 2);
}

#[tokio::test]
async fn a_provider_that_says_close_is_taken_at_its_word() {
    const LAST: Step = Step::Answer(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 77\r\n\r\n\
         {\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\",\"index\":0}]}\n\n",
    );
    let provider = Scripted::start(&[&[LAST, Step::Close], &[OK]]).await;
    let gateway = provider.gateway().await;
    assert_eq!(status(&gateway).await, answered());
    assert_eq!(status(&gateway).await, answered());
    assert_eq!(provider.accepted(), 2);
}

/// Most of the prompt is still here when the answer is whole.
#[tokio::test]
async fn an_early_answer_comes_through_and_ends_the_connection() {
    const TOO_LARGE: Step = Step::Early(
        "HTTP/1.1 413 Content Too Large\r\ncontent-type: application/json\r\ncontent-length: 28\r\n\r\n\
         {\"error\":{\"message\":\"no\"}}\n\n",
    );
    let provider = Scripted::start(&[&[TOO_LARGE], &[OK]]).await;
    let gateway = provider.gateway().await;
    let mut large = ask();
    large["messages"][0]["content"] = "x".repeat(20 << 20).into();
    let response = soon(send(gateway.addr, post(CHAT, &large))).await;
    assert_eq!(response.status(), 413);
    assert_eq!(client::body(response).await, "{\"error\":{\"message\":\"no\"}}\n\n");
    assert_eq!(status(&gateway).await, answered());
    assert_eq!(provider.accepted(), 2);
}

/// The connection is not read behind `[DONE]`, where the last chunk is still to come.
#[tokio::test]
async fn a_stream_gives_its_connection_back() {
    let provider = always(Reply::chat_stream(["Hel", "lo"])).await;
    let gateway = Gateway::before(&provider).await;
    for path in [CHAT, "/v1/responses", CHAT] {
        let mut body = ask_stream();
        if path != CHAT {
            body = serde_json::json!({"model": "m", "stream": true, "input": "Hi"});
        }
        let response = send(gateway.addr, post(path, &body)).await;
        assert_eq!(response.status(), 200);
        client::body(response).await;
    }
    assert_eq!((provider.received().len(), provider.accepted()), (3, 1));
}

#[tokio::test]
async fn requests_at_the_same_time_have_connections_of_their_own() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    let all = (0..20).map(|_| status(&gateway));
    assert!(futures_util::future::join_all(all).await.into_iter().all(|one| one == answered()));
    let accepted = provider.accepted();
    assert!((2..=20).contains(&accepted), "{accepted}");
    for _ in 0..5 {
        assert_eq!(status(&gateway).await, answered());
    }
    assert_eq!(provider.accepted(), accepted);
}
