//! Connections that end: the client's, and the gateway itself.

use std::{io::ErrorKind, time::Duration};

use crate::support::*;
use http_body_util::BodyExt;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// A stream that says a word and then waits for the gate.
fn begun(gate: &Gate) -> Reply {
    Reply::events().role().delta("a").gate(gate).delta("b").finish("stop").done()
}

async fn first_word(events: &mut Events) {
    events.next().await;
    assert_eq!(sse::text(&[events.next().await.json()]), "a");
}

/// The call to the provider is given up within a second, and its connection with it.
async fn assert_given_up(provider: &Provider) {
    let given_up = timeout(Duration::from_secs(1), provider.disconnected(1)).await;
    given_up.expect("the call goes on although nobody reads");
    eventually(|| provider.connections() == 0).await;
    assert_eq!((provider.received().len(), provider.aborted()), (1, 1), "once, and not again");
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_a_stream() {
    let provider = always(begun(&Gate::new())).await;
    let gateway = Gateway::before(&provider).await;
    let mut events = Events::new(send(gateway.addr, post(CHAT, &ask_stream())).await);
    first_word(&mut events).await;
    drop(events);
    assert_given_up(&provider).await;
}

/// How a client can leave that speaks HTTP/1.1.
#[derive(Clone, Copy, Debug)]
enum Leave {
    Close,
    Reset,
    /// Half-close: indistinguishable from closing.
    HalfClose,
}

#[tokio::test]
async fn a_client_that_leaves_before_anything_has_come() {
    let waiting = || Reply::chat("late").when(&Gate::new());
    let held = || Reply::events().role().stall();
    let half = || Reply::json(&ask()).cut_after(5, Fault::Silence);
    for leave in [Leave::Close, Leave::Reset, Leave::HalfClose] {
        for reply in [waiting(), held(), half()] {
            let provider = always(reply).await;
            let gateway = Gateway::before(&provider).await;
            let mut raw = Raw::connect(gateway.addr).await;
            raw.post(CHAT, &ask_stream().to_string()).await;
            soon(provider.requested(1)).await;
            match leave {
                Leave::Close => drop(raw),
                Leave::Reset => {
                    raw.stream.set_zero_linger().unwrap();
                    drop(raw);
                }
                Leave::HalfClose => {
                    raw.stream.shutdown().await.unwrap();
                    assert_eq!(raw.rest().await.unwrap(), b"", "{leave:?}");
                }
            }
            assert_given_up(&provider).await;
        }
    }
}

/// One stream of many on the same connection is no reason to keep or to drop the others.
#[tokio::test]
async fn a_client_that_gives_up_one_http2_stream() {
    let gate = Gate::new();
    let provider = always(begun(&gate)).await;
    let gateway = Gateway::before(&provider).await;
    let h2 = H2::connect(gateway.addr).await.unwrap();
    let mut kept = Events::new(h2.send(post(CHAT, &ask_stream())).await.unwrap());
    first_word(&mut kept).await;
    let mut left = Events::new(h2.send(post(CHAT, &ask_stream())).await.unwrap());
    first_word(&mut left).await;
    drop(left);
    let given_up = timeout(Duration::from_secs(1), provider.disconnected(1)).await;
    given_up.expect("the call goes on although nobody reads");
    eventually(|| provider.connections() == 1).await;
    gate.open();
    assert_eq!(sse::text(&kept.until_done().await), "b");
    assert_eq!(provider.aborted(), 1);
}

#[tokio::test]
async fn a_client_that_gives_up_an_http2_stream_before_its_head() {
    let provider = always(Reply::chat("late").when(&Gate::new())).await;
    let gateway = Gateway::before(&provider).await;
    let h2 = H2::connect(gateway.addr).await.unwrap();
    let sending = h2.clone();
    let waiting = tokio::spawn(async move { sending.send(post(CHAT, &ask())).await });
    soon(provider.requested(1)).await;
    waiting.abort();
    assert_given_up(&provider).await;
    assert_eq!(h2.send(get("/health")).await.unwrap().status(), 200, "the connection stays");
}

/// What is not whole is not sent on.
#[tokio::test]
async fn a_client_that_leaves_before_its_body_is_whole() {
    let provider = always(Reply::chat("Hi")).await;
    let gateway = Gateway::before(&provider).await;
    let head =
        format!("POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
    for (framing, body) in [
        ("content-length: 100\r\n\r\n", ask().to_string()),
        (
            "transfer-encoding: chunked\r\n\r\n",
            format!("{:x}\r\n{}\r\n", ask().to_string().len(), ask()),
        ),
    ] {
        let mut raw = Raw::connect(gateway.addr).await;
        raw.write(format!("{head}{framing}{body}")).await;
        raw.stream.shutdown().await.unwrap();
        let answer = raw.rest().await.unwrap();
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400 "), "{answer:?}");
    }
    assert_eq!(send(gateway.addr, post(CHAT, &ask())).await.status(), 200);
    assert_eq!(provider.received().len(), 1);
}

/// A client that reads slowly slows the provider down: the rest waits there, and not in memory.
#[tokio::test]
async fn what_a_client_does_not_read_is_not_fetched() {
    /// More than the kernel holds for four sockets.
    const MORE_THAN_SOCKET_BUFFERS: usize = 64 << 20;
    for version in VERSIONS {
        let provider = Endless::start().await;
        let gateway = Gateway::at(&provider.base_url(), "").await;
        let mut response = send_as(version, gateway.addr, post(EMBEDDINGS, &ask())).await;
        // It has come to a halt when nothing was written for a while.
        let (mut before, mut halted) = (0, Instant::now());
        while halted.elapsed() < Duration::from_millis(200) {
            sleep(Duration::from_millis(5)).await;
            let now = provider.written();
            if now != before {
                (before, halted) = (now, Instant::now());
            }
            assert!(
                now < MORE_THAN_SOCKET_BUFFERS,
                "{version:?}: nobody reads, and {now} bytes were fetched"
            );
        }
        let mut read = 0;
        while read <= before {
            let frame = soon(response.frame()).await.expect("more").expect("a whole body");
            read += frame.into_data().expect("data").len();
        }
    }
}

#[tokio::test]
async fn streams_finish_when_the_gateway_stops() {
    let gate = Gate::new();
    let provider = always(begun(&gate)).await;
    let mut gateway = Gateway::before(&provider).await;
    let mut streams = Vec::new();
    for version in VERSIONS {
        let response = send_as(version, gateway.addr, post(CHAT, &ask_stream())).await;
        let mut events = Events::new(response);
        first_word(&mut events).await;
        streams.push(events);
    }
    let mut kept_alive = Raw::connect(gateway.addr).await;
    kept_alive.post(CHAT, &ask_stream().to_string()).await;
    kept_alive.until(br#""content":"a""#).await.unwrap();
    gateway.stop();
    refuses(&gateway).await;
    gate.open();
    for mut events in streams {
        assert_eq!(sse::text(&events.until_done().await), "b");
    }
    let rest = String::from_utf8(kept_alive.rest().await.unwrap()).unwrap();
    assert!(rest.ends_with("data: [DONE]\n\n\r\n0\r\n\r\n"), "the connection ends, too: {rest}");
    gateway.stopped().await;
    assert_eq!(provider.aborted(), 0);
}

async fn refuses(gateway: &Gateway) {
    let deadline = Instant::now() + TEST_TIMEOUT;
    while TcpStream::connect(gateway.addr).await.is_ok() {
        assert!(Instant::now() < deadline, "new connections are still accepted");
        tokio::task::yield_now().await;
    }
}

/// An answer that has not begun was asked for before the stop.
#[tokio::test]
async fn answers_that_have_not_begun_still_come() {
    let gate = Gate::new();
    let provider = always(Reply::chat("late").when(&gate)).await;
    let mut gateway = Gateway::before(&provider).await;
    let addr = gateway.addr;
    let waiting = tokio::spawn(async move { send(addr, post(CHAT, &ask())).await });
    soon(provider.requested(1)).await;
    gateway.stop();
    refuses(&gateway).await;
    gate.open();
    let answer = client::json(soon(waiting).await.unwrap()).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "late");
    gateway.stopped().await;
}

/// Connections on which nothing goes on do not hold up the stop, which could last 30 s.
#[tokio::test]
async fn idle_connections_are_closed_when_the_gateway_stops() {
    let provider = always(Reply::chat("Hi")).await;
    let mut gateway = Gateway::before(&provider).await;
    let mut unused = Raw::connect(gateway.addr).await;
    let mut used = Raw::connect(gateway.addr).await;
    used.post(CHAT, &ask().to_string()).await;
    assert_eq!(used.response().await.unwrap().status, 200);
    let h2 = H2::connect(gateway.addr).await.unwrap();
    client::body(h2.send(post(CHAT, &ask())).await.unwrap()).await;
    gateway.stop();
    gateway.stopped().await;
    assert_eq!(unused.rest().await.unwrap(), b"");
    assert_eq!(used.rest().await.unwrap(), b"");
    assert!(h2.send(get("/health")).await.is_err());
    eventually(|| provider.connections() == 0).await;
}

#[tokio::test]
async fn what_does_not_finish_in_the_drain_time_is_cut() {
    let provider = always(Reply::events().role().delta("a").stall()).await;
    let mut gateway = Gateway::with(&provider, "drain_ms: 200").await;
    let mut raw = Raw::connect(gateway.addr).await;
    raw.post(CHAT, &ask_stream().to_string()).await;
    let mut streams = Vec::new();
    for version in VERSIONS {
        let response = send_as(version, gateway.addr, post(CHAT, &ask_stream())).await;
        let mut events = Events::new(response);
        first_word(&mut events).await;
        streams.push(events);
    }
    let stopped = Instant::now();
    gateway.stop();
    gateway.stopped().await;
    assert!(stopped.elapsed() >= Duration::from_millis(200), "{:?}", stopped.elapsed());
    for mut events in streams {
        events.until_broken().await;
    }
    let answer = raw.response().await.map(|whole| whole.body);
    assert_eq!(answer.map_err(|error| error.kind()), Err(ErrorKind::UnexpectedEof));
    soon(provider.disconnected(3)).await;
    eventually(|| provider.connections() == 0).await;
}

/// The same as a process: what a service manager sees.
#[cfg(unix)]
#[tokio::test]
async fn sigterm_ends_the_process_well_after_its_streams() {
    let gate = Gate::new();
    let provider = always(begun(&gate)).await;
    for signal in ["TERM", "INT"] {
        let mut gateway = Binary::start(&gateway::yaml(&provider.base_url(), ""), &[]).await;
        let mut events = Events::new(send(gateway.addr, post(CHAT, &ask_stream())).await);
        first_word(&mut events).await;
        gateway.signal(signal).await;
        gateway.says("streams may finish").await;
        gate.open_one();
        assert_eq!(sse::text(&events.until_done().await), "b");
        assert_eq!(gateway.status().await, Some(0), "{signal}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn sigterm_ends_the_process_well_after_the_drain_time() {
    let provider = always(Reply::events().role().delta("a").stall()).await;
    let yaml = gateway::yaml(&provider.base_url(), "drain_ms: 200");
    let mut gateway = Binary::start(&yaml, &[]).await;
    let mut events = Events::new(send(gateway.addr, post(CHAT, &ask_stream())).await);
    first_word(&mut events).await;
    gateway.signal("TERM").await;
    assert_eq!(gateway.status().await, Some(0));
    events.until_broken().await;
    soon(provider.disconnected(1)).await;
}
