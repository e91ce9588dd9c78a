//! The scriptable provider: every fault looks on the wire as it is named.

use std::{io::ErrorKind, time::Duration};

use crate::support::{
    Events, Fault, Gate, Provider, Raw, Refused, Reply, TEST_TIMEOUT, always, client, eventually,
    get, provider, send, send_h2, soon, sse, try_send,
};
use http::Version;
use serde_json::json;
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    time::{Instant, timeout},
};

/// Long enough to see that nothing comes, short enough to wait for.
const SILENCE_TIME: Duration = Duration::from_millis(100);

/// What a client reads to the end of its connection after one request.
async fn read_all(provider: &Provider) -> std::io::Result<Vec<u8>> {
    let mut raw = Raw::connect(provider.addr()).await;
    raw.post("/", "{}").await;
    raw.rest().await
}

#[tokio::test]
async fn refuses_connections() {
    let refused = Refused::new().unwrap();
    let error = TcpStream::connect(refused.addr()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn breaks_instead_of_an_answer() {
    let reset = always(Reply::fault(Fault::Reset)).await;
    assert_eq!(read_all(&reset).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let closed = always(Reply::fault(Fault::Close)).await;
    assert_eq!(read_all(&closed).await.unwrap(), b"");
    let garbage = always(Reply::fault(Fault::garbage())).await;
    assert!(read_all(&garbage).await.unwrap().starts_with(b"\x00\x01\xfe\xff"));
    let tls = always(Reply::fault(Fault::tls())).await;
    assert_eq!(read_all(&tls).await.unwrap(), [21, 3, 1, 0, 2, 2, 70]);
    assert!(try_send(tls.addr(), get("/")).await.unwrap_err().is_parse());
    assert_eq!((tls.received().len(), tls.aborted()), (2, 0));
}

#[tokio::test]
async fn breaks_before_it_reads() {
    let faults = [Fault::Reset, Fault::Close, Fault::garbage()];
    let provider = Provider::start_with(move |nth| faults.get(nth).cloned(), |_| Reply::chat("Hi"));
    let provider = provider.await.unwrap();
    let mut reset = Raw::connect(provider.addr()).await;
    let error = reset.rest().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(read_all(&provider).await.unwrap(), b"");
    assert!(read_all(&provider).await.unwrap().starts_with(b"\x00"));
    assert_eq!(send(provider.addr(), get("/")).await.status(), 200);
    assert_eq!((provider.accepted(), provider.received().len()), (4, 1));
}

#[tokio::test]
async fn keeps_silent() {
    let accepts = Provider::start_with(|_| Some(Fault::Silence), |_| Reply::new(200));
    let accepts = accepts.await.unwrap();
    let reads = always(Reply::fault(Fault::Silence)).await;
    let begins = always(Reply::events().stall()).await;
    let stops = always(Reply::events().role().delta("Hel").stall()).await;
    let said: [(_, &[&str]); 4] = [
        (&accepts, &[]),
        (&reads, &[]),
        (&begins, &["\r\n\r\n"]),
        (&stops, &["\r\n\r\n", "\n\n\r\n", "\n\n\r\n"]),
    ];
    for (provider, ends) in said {
        let mut raw = Raw::connect(provider.addr()).await;
        raw.post("/", "{}").await;
        for end in ends {
            raw.until(end.as_bytes()).await.unwrap();
        }
        let more = timeout(SILENCE_TIME, raw.until(b"\n")).await;
        assert!(more.is_err(), "{more:?}");
        assert_eq!((provider.connections(), provider.aborted()), (1, 0));
        drop(raw);
        eventually(|| provider.connections() == 0).await;
    }
    assert_eq!(accepts.aborted(), 0, "nobody asked");
    for provider in [&reads, &begins, &stops] {
        soon(provider.disconnected(1)).await;
        assert_eq!(provider.aborted(), 1);
    }
}

#[tokio::test]
async fn cuts_in_the_middle_by_fin() {
    let provider = always(Reply::events().role().delta("Hel").cut(Fault::Close)).await;
    let mut raw = Raw::connect(provider.addr()).await;
    raw.post("/", "{}").await;
    raw.until(b"\r\n\r\n").await.unwrap();
    assert!(raw.chunk().await.unwrap().is_some());
    assert!(raw.chunk().await.unwrap().unwrap().starts_with(b"data: "));
    assert_eq!(raw.rest().await.unwrap(), b"", "no last chunk, and FIN");

    let mut events = Events::new(send(provider.addr(), get("/")).await);
    let (events, error) = events.until_broken().await;
    assert_eq!(events.len(), 2);
    assert_eq!(client::io_kind(&error), Some(ErrorKind::UnexpectedEof), "{error:?}");
    assert_eq!(provider.aborted(), 0, "it was not the client");
}

#[tokio::test]
async fn cuts_in_the_middle_by_rst() {
    let provider = always(Reply::events().role().delta("Hel").cut(Fault::Reset)).await;
    let mut raw = Raw::connect(provider.addr()).await;
    raw.post("/", "{}").await;
    raw.until(b"\r\n\r\n").await.unwrap();
    assert!(raw.chunk().await.unwrap().is_some());
    assert!(raw.chunk().await.unwrap().is_some());
    assert_eq!(raw.rest().await.unwrap_err().kind(), ErrorKind::ConnectionReset);

    let mut events = Events::new(send(provider.addr(), get("/")).await);
    let (events, error) = events.until_broken().await;
    assert_eq!(events.len(), 2);
    assert_eq!(client::io_kind(&error), Some(ErrorKind::ConnectionReset), "{error:?}");
}

#[tokio::test]
async fn cuts_right_after_the_head_and_inside_a_length() {
    let head = always(Reply::events().cut(Fault::Close)).await;
    let read = read_all(&head).await.unwrap();
    assert!(read.starts_with(b"HTTP/1.1 200 OK\r\n") && read.ends_with(b"\r\n\r\n"));

    let half = always(Reply::json(&json!({"a": 1})).cut_after(3, Fault::Close)).await;
    let read = String::from_utf8(read_all(&half).await.unwrap()).unwrap();
    assert!(read.contains("content-length: 7\r\n"), "{read}");
    assert!(read.ends_with("\r\n\r\n{\"a"), "{read}");

    let raw = always(Reply::events().role().cut(Fault::garbage())).await;
    let read = read_all(&raw).await.unwrap();
    assert!(read.ends_with(b"you know\r\n\r\n"), "garbage where a chunk size should be");
}

#[tokio::test]
async fn a_cut_comes_after_everything_before_it() {
    let megabyte = "x".repeat(1 << 20);
    let reply = Reply::events().event(&megabyte).cut(Fault::Close);
    let provider = always(reply).await;
    let (events, _) = Events::new(send(provider.addr(), get("/")).await).until_broken().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].data, megabyte);
}

#[tokio::test]
async fn writes_byte_by_byte() {
    let provider = always(Reply::chat_stream(["日本", "語"]).byte_by_byte()).await;
    let mut raw = Raw::connect(provider.addr()).await;
    raw.post("/", "{}").await;
    let response = raw.response().await.unwrap();
    assert!(response.chunks.iter().all(|chunk| chunk.len() == 1));
    let mut events = Events::new(send(provider.addr(), get("/")).await);
    assert_eq!(sse::text(&events.until_done().await), "日本語");
}

#[tokio::test]
async fn each_step_is_a_chunk_of_its_own() {
    let provider = always(Reply::new(200).bytes("a").bytes("bc").bytes("")).await;
    let mut raw = Raw::connect(provider.addr()).await;
    for _ in 0..2 {
        raw.post("/", "{}").await;
        let response = raw.response().await.unwrap();
        assert_eq!(response.chunks, [b"a".to_vec(), b"bc".to_vec()]);
    }
    assert_eq!((provider.accepted(), provider.received().len()), (1, 2));
}

#[tokio::test]
async fn waits_for_gates_and_pauses() {
    let (head, body) = (Gate::new(), Gate::new());
    let reply =
        Reply::events().when(&head).role().gate(&body).delta("a").pause(SILENCE_TIME).delta("b");
    let provider = always(reply.finish("stop").done()).await;
    let addr = provider.addr();
    let answer = tokio::spawn(async move { send(addr, get("/")).await });
    soon(provider.requested(1)).await;
    assert!(!answer.is_finished());
    head.open_one();
    let mut events = Events::new(soon(answer).await.unwrap());
    events.next().await;
    assert!(timeout(SILENCE_TIME, events.next()).await.is_err());
    body.open();
    let (a, b) = (events.next().await, events.next().await);
    assert!(b.at - a.at > SILENCE_TIME / 2, "{:?}", b.at - a.at);
    assert_eq!(events.rest().await.len(), 2);
    assert_eq!(provider.aborted(), 0);
}

#[tokio::test]
async fn late_heads_come_late() {
    let provider = always(Reply::html("<p>Hi</p>").after(SILENCE_TIME).header("x-test", 1)).await;
    let started = Instant::now();
    let response = send(provider.addr(), get("/")).await;
    assert!(started.elapsed() >= SILENCE_TIME);
    assert_eq!(response.headers()["content-length"], "9");
    assert_eq!(response.headers()["x-test"], "1");
    assert_eq!(client::body(response).await, "<p>Hi</p>");
}

#[tokio::test]
async fn writes_what_sse_allows() {
    let reply = Reply::events().comment("hi").event("a\nb").named_event("x", json!({}));
    let provider = always(reply.event("日").crlf()).await;
    let mut events = Events::new(send(provider.addr(), get("/")).await);
    let read = events.rest().await;
    let data: Vec<_> = read.iter().map(|event| event.data.as_str()).collect();
    assert_eq!(data, ["a\nb", "{}", "日"]);
    assert_eq!(read[1].name.as_deref(), Some("x"));
    assert_eq!(events.comments, ["hi"]);
}

#[tokio::test]
#[should_panic(expected = "ends inside an event")]
async fn our_reader_is_strict() {
    let provider = always(Reply::events().role().bytes("data: {}\n")).await;
    Events::new(send(provider.addr(), get("/")).await).rest().await;
}

#[tokio::test]
async fn errors_can_come_as_events() {
    let provider = always(Reply::events().role().error_event("overloaded")).await;
    let events = Events::new(send(provider.addr(), get("/")).await).rest().await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1].json()["error"]["code"], "overloaded");
}

#[tokio::test]
async fn speaks_http2() {
    let provider = provider(|request| match request.path() {
        "/whole" => Reply::chat_stream(["Hi"]).byte_by_byte(),
        "/cut" => Reply::events().role().cut(Fault::Reset),
        _ => Reply::events().role().stall(),
    })
    .await;
    let addr = provider.addr();
    let response = send_h2(addr, get("/whole")).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(sse::text(&Events::new(response).until_done().await), "Hi");
    let cut = send_h2(addr, get("/cut")).await.unwrap();
    assert_eq!(Events::new(cut).until_broken().await.0.len(), 1);
    assert_eq!(provider.aborted(), 0);
    let mut left = Events::new(send_h2(addr, get("/stall")).await.unwrap());
    left.next().await;
    drop(left);
    soon(provider.disconnected(1)).await;
    assert!(provider.received().iter().all(|request| request.version == Version::HTTP_2));
}

#[tokio::test]
async fn stops() {
    let provider = always(Reply::events().role().stall()).await;
    let addr = provider.addr();
    let mut events = Events::new(send(addr, get("/")).await);
    events.next().await;
    provider.stop().await;
    let deadline = Instant::now() + TEST_TIMEOUT;
    while TcpStream::connect(addr).await.is_ok() {
        assert!(Instant::now() < deadline, "the port still answers");
    }
    events.until_broken().await;
}

#[tokio::test]
async fn records_requests_in_order() {
    let provider = always(Reply::error(503, "overloaded")).await;
    for path in ["/a", "/b?c=d"] {
        let response = send(provider.addr(), client::post(path, &json!({"x": path}))).await;
        assert_eq!(response.status(), 503);
        assert_eq!(client::json(response).await["error"]["code"], "overloaded");
    }
    let received = provider.received();
    assert_eq!(received[1].nth, 1);
    assert_eq!(received[1].path(), "/b");
    assert_eq!(received[1].json()["x"], "/b?c=d");
    assert_eq!(received[0].header("authorization"), Some("Bearer test"));
}

#[tokio::test]
async fn closes_when_the_client_asks_for_it() {
    let provider = always(Reply::chat("Hi")).await;
    let mut raw = Raw::connect(provider.addr()).await;
    raw.write("GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await;
    assert_eq!(raw.response().await.unwrap().status, 200);
    assert_eq!(raw.stream.read(&mut [0]).await.unwrap(), 0);
    eventually(|| provider.connections() == 0).await;
}
