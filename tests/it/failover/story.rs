//! The log at `info`: one line per attempt, which together explain the outcome.

use std::{
    io,
    sync::{Arc, Once},
};

use insta::assert_snapshot;
use parking_lot::Mutex;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::failover::chain::{CHAT, ask, ask_for, gateway, question};
use crate::support::{
    Events, Fault, Provider, Reply, always, eventually, post, provider, send, soon,
};

/// What this thread logs, for as long as the guard lives. A test runs in one thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> (Self, DefaultGuard) {
        // Threads without a subscriber would have `tracing` cache that no subscriber is interested.
        static EVERYWHERE: Once = Once::new();
        EVERYWHERE.call_once(|| {
            let nowhere = tracing_subscriber::fmt().with_writer(io::sink).finish();
            tracing::subscriber::set_global_default(nowhere).expect("it is the only one");
        });
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::INFO)
            .with_writer(log.clone())
            .with_ansi(false)
            .with_target(false)
            .without_time()
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The lines about attempts, without the spans they stand in.
    fn attempts(&self) -> String {
        let log = String::from_utf8(self.0.lock().clone()).expect("text");
        let lines = log.lines().filter_map(|line| {
            let (span, line) = line.split_once("}: ")?;
            assert!(span.contains("request{method=POST"), "{line}");
            line.starts_with("attempt ").then(|| line.to_owned() + "\n")
        });
        lines.collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

async fn story(replies: [Reply; 3], commit: &'static str, stream: bool) -> String {
    let mut providers: Vec<Provider> = Vec::new();
    for reply in replies {
        providers.push(always(reply).await);
    }
    let gateway = gateway(&providers.iter().collect::<Vec<_>>(), "").await;
    let (log, _guard) = Log::start();
    ask_for(&gateway, commit, stream).await;
    log.attempts()
}

#[tokio::test]
async fn each_attempt_has_its_line() {
    let limited = Reply::error(429, "rate_limit_exceeded").header("retry-after", 9);
    let empty = Reply::events().role();
    let good = Reply::chat_stream(["Yes"]);
    assert_snapshot!(story([limited, empty, good], "first_token", true).await, @r#"
    attempt failed attempt=1 target=a/m why="a: 429 rate_limit_exceeded: The provider says rate_limit_exceeded." next=b/m
    attempt failed attempt=2 target=b/m why="b: the answer ended without a finish reason" next=c/m
    attempt answered attempt=3 target=c/m why="whole" next=none is needed
    "#);
}

#[tokio::test]
async fn it_says_how_it_ended() {
    let html = || Reply::html("<p>");
    let half = || Reply::events().delta("Hel");
    let bad = || Reply::error(422, "bad");
    assert_snapshot!(story([html(), html(), html()], "first_token", false).await, @r#"
    attempt failed attempt=1 target=a/m why="a: the answer is HTML, not JSON" next=b/m
    attempt failed attempt=2 target=b/m why="b: the answer is HTML, not JSON" next=c/m
    attempt failed attempt=3 target=c/m why="c: the answer is HTML, not JSON" next=nothing is left
    "#);
    assert_snapshot!(story([half(), html(), html()], "first_token", true).await, @r#"attempt broke after commit attempt=1 target=a/m why="the answer ended without a finish reason" next=it is too late for another"#);
    assert_snapshot!(story([half(), half(), half()], "complete", true).await, @r#"
    attempt failed attempt=1 target=a/m why="a: the answer ended without a finish reason" next=b/m
    attempt failed attempt=2 target=b/m why="b: the answer ended without a finish reason" next=c/m
    attempt failed attempt=3 target=c/m why="c: the answer ended without a finish reason" next=c/m
    attempt failed attempt=4 target=c/m why="c: the answer ended without a finish reason" next=nothing is left
    "#);
    assert_snapshot!(story([html(), bad(), html()], "first_token", false).await, @r#"
    attempt failed attempt=1 target=a/m why="a: the answer is HTML, not JSON" next=b/m
    attempt answered attempt=2 target=b/m why="422 Unprocessable Entity" next=it is the client's error
    "#);
}

#[tokio::test]
async fn a_target_that_is_left_alone_is_no_attempt() {
    let a = always(Reply::error(429, "rate_limit_exceeded").header("retry-after", 9)).await;
    let gateway = gateway(&[&a], "").await;
    ask(&gateway, false).await;
    let (log, _guard) = Log::start();
    ask(&gateway, false).await;
    assert_eq!(log.attempts(), "");
}

#[tokio::test]
async fn a_client_that_leaves_is_told_of_too() {
    let a = provider(|request| match request.nth {
        0 => Reply::fault(Fault::Silence),
        1 => Reply::events().role().stall(),
        _ => Reply::events().delta("Hel").stall(),
    })
    .await;
    let gateway = gateway(&[&a], "").await;
    let (log, _guard) = Log::start();
    for held in 1..=2 {
        let asking = tokio::spawn(send(gateway.addr, post(CHAT, &question(true))));
        soon(a.requested(held)).await;
        asking.abort();
        soon(a.disconnected(held)).await;
    }
    let mut events = Events::new(send(gateway.addr, post(CHAT, &question(true))).await);
    events.next().await;
    drop(events);
    soon(a.disconnected(3)).await;
    eventually(|| log.attempts().lines().count() == 3).await;
    assert_snapshot!(log.attempts(), @r#"
    attempt given up attempt=1 target=a/m why="the client is gone" next=none is needed
    attempt given up attempt=1 target=a/m why="the client is gone" next=none is needed
    attempt given up attempt=1 target=a/m why="the client is gone" next=none is needed
    "#);
}
