//! Requests that are none, or too large, or lead nowhere: each is refused, or cut off.

use std::{io::ErrorKind, time::Duration};

use fastrand::Rng;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{house::House, mix::Done};
use switchtower_testkit::clients::{CHAT, ask, encode};

/// How long an answer is waited for.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// What is sent, and what it may be answered with; an end without an answer is always allowed.
struct Rough {
    name: &'static str,
    bytes: Vec<u8>,
    statuses: &'static [u16],
}

fn rough(name: &'static str, bytes: impl Into<Vec<u8>>, statuses: &'static [u16]) -> Rough {
    Rough { name, bytes: bytes.into(), statuses }
}

pub(crate) async fn send(house: &House, rng: &mut Rng, done: &Done) {
    let Rough { name, bytes, statuses } = choose(house, rng).await;
    let status = exchange(house, &bytes).await;
    assert!(status.is_none_or(|status| statuses.contains(&status)), "{name}: {status:?}");
    let status = status.map_or("cut off".to_owned(), |status| status.to_string());
    done.add(format!("rough: {name}: {status}"));
}

/// The status of the first answer.
async fn exchange(house: &House, bytes: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(house.addr).await.expect("a connection");
    let mut read = Vec::new();
    let (mut input, mut output) = stream.split();
    let write = async {
        // It may answer, and close, before it has read everything.
        let _ = output.write_all(bytes).await;
    };
    let reading = async {
        while !read.windows(4).any(|window| window == b"\r\n\r\n") {
            match input.read_buf(&mut read).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error}"),
            }
        }
    };
    let both = async {
        tokio::join!(write, reading);
    };
    timeout(RESPONSE_TIMEOUT, both).await.expect("an answer or an end");
    let head = std::str::from_utf8(&read).ok()?.strip_prefix("HTTP/1.")?;
    head.get(2..5)?.parse().ok()
}

async fn choose(house: &House, rng: &mut Rng) -> Rough {
    match rng.u8(0..3) {
        0 => head(house, rng),
        1 => framing(house, rng),
        _ => body(house, rng).await,
    }
}

fn head(house: &House, rng: &mut Rng) -> Rough {
    let get = house.head("GET /health");
    let lines = |count: usize, length: usize| -> String {
        (0..count).map(|n| format!("x-{n}: {}\r\n", "x".repeat(length))).collect()
    };
    match rng.u8(0..13) {
        0 => {
            let mut noise: Vec<u8> = (0..rng.usize(30..300)).map(|_| rng.u8(..)).collect();
            noise[0] = 0;
            noise.extend(b"\r\n\r\n");
            rough("noise", noise, &[400])
        }
        1 => rough("NUL in a header", format!("{get}x: a\0b\r\n\r\n"), &[400]),
        2 => rough("NUL in the path", "GET /\0 HTTP/1.1\r\nhost: localhost\r\n\r\n", &[400]),
        3 => rough("a huge line", format!("{get}{}\r\n", lines(1, 600_000)), &[431]),
        4 => rough("a large line", format!("{get}{}\r\n", lines(1, 70_000)), &[431]),
        5 => rough("too many lines", format!("{get}{}\r\n", lines(101, 1)), &[431]),
        6 => rough("no version", "GET /\r\n\r\n", &[400]),
        7 => rough("a future version", "GET / HTTP/7.0\r\nhost: localhost\r\n\r\n", &[400]),
        8 => rough("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", &[400]),
        9 => rough("two hosts", format!("{get}host: evil.example\r\n\r\n"), &[400]),
        10 => {
            let start =
                format!("GET /v1/{}", ["../metrics", "%2e%2e/tasks", "a%2fb"][rng.usize(0..3)]);
            rough("a path that climbs", format!("{}\r\n", house.head(&start)), &[400, 404])
        }
        11 => {
            let wrong = rng.u64(..);
            let guess = format!("authorization: Bearer a-guess-of-some-length-{wrong:x}");
            let guess = format!("GET /v1/models HTTP/1.1\r\nhost: localhost\r\n{guess}\r\n\r\n");
            rough("a wrong key", guess, &[401, 429])
        }
        _ => {
            let health = format!("{get}\r\n").repeat(rng.usize(2..30));
            rough("many at once", health, &[200])
        }
    }
}

/// Where a request ends, in more than one way.
fn framing(house: &House, rng: &mut Rng) -> Rough {
    let post = house.head(&format!("POST {CHAT}"));
    let good = ask().to_string();
    let length = good.len();
    let smuggled = "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let framed = |headers: &str| format!("{post}{headers}\r\n{good}{smuggled}");
    let chunked = |chunks: &str| format!("{post}transfer-encoding: chunked\r\n\r\n{chunks}");
    match rng.u8(0..12) {
        0 => {
            let two = format!("content-length: {length}\r\ncontent-length: 3\r\n");
            rough("two lengths", framed(&two), &[400])
        }
        1 => {
            rough("a list of lengths", framed(&format!("content-length: 3, {length}\r\n")), &[400])
        }
        2 => rough("a negative length", framed("content-length: -1\r\n"), &[400]),
        3 => {
            rough("a length with a sign", framed(&format!("content-length: +{length}\r\n")), &[400])
        }
        4 => {
            let both = format!("{post}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n");
            let both = format!("{both}{length:x}\r\n{good}\r\n0\r\n\r\n");
            rough("both framings", both, &[200, 400])
        }
        5 => rough("chunked is not last", framed("transfer-encoding: chunked, gzip\r\n"), &[400]),
        6 => rough("an unknown coding", framed("transfer-encoding: xchunked\r\n"), &[400]),
        7 => rough("no size", chunked("zz\r\n{}\r\n0\r\n\r\n"), &[400]),
        8 => rough("a size too large", chunked("fffffffffffffffff\r\n"), &[400]),
        9 => rough("no end of a chunk", chunked("2\r\n{}XX0\r\n\r\n"), &[400]),
        10 => {
            let name = format!("{post}content-length : {length}\r\n\r\n{good}");
            rough("a space after a name", name, &[400])
        }
        _ => {
            let folded = format!("{post}x: a\r\n b\r\ncontent-length: {length}\r\n\r\n{good}");
            rough("a folded line", folded, &[400])
        }
    }
}

async fn body(house: &House, rng: &mut Rng) -> Rough {
    let post = house.head(&format!("POST {}", [CHAT, "/v1/responses"][rng.usize(0..2)]));
    let sized = |headers: &str, body: &[u8]| {
        let head = format!("{post}{headers}content-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let deep = |open: &str| format!(r#"{{"model":"m","a":{}"#, open.repeat(100_000));
    match rng.u8(0..11) {
        0 => rough("too large", sized("", &vec![b' '; 2 << 20]), &[413]),
        1 => {
            let head = format!("{post}content-length: 18446744073709551613\r\n\r\n{{");
            rough("announced as too large", head, &[400, 413])
        }
        2 => {
            let chunk = format!("40000\r\n{}\r\n", " ".repeat(0x40000)).repeat(5);
            rough(
                "too many chunks",
                format!("{post}transfer-encoding: chunked\r\n\r\n{chunk}"),
                &[413],
            )
        }
        3 => rough("deep arrays", sized("", deep("[").as_bytes()), &[400]),
        4 => rough("deep objects", sized("", deep("{\"a\":").as_bytes()), &[400]),
        5 => rough("no JSON", sized("", b"\x00\xff{"), &[400]),
        6 => rough("no gzip", sized("content-encoding: gzip\r\n", b"\x1f\x8bnothing"), &[400]),
        7 => {
            let cut = encode::gzip(ask().to_string()).await;
            let cut = sized("content-encoding: gzip\r\n", &cut[..cut.len() / 2]);
            rough("half a gzip", cut, &[400])
        }
        8 | 9 => {
            let (coding, bomb) = &house.bombs[rng.usize(0..2)];
            rough("a bomb", sized(&format!("content-encoding: {coding}\r\n"), bomb), &[413])
        }
        _ => {
            let model = format!("unknown-{:x}", rng.u64(..));
            let body = format!(r#"{{"model":"{model}","input":"Hi","messages":[]}}"#);
            rough("a model of its own", sized("", body.as_bytes()), &[200, 400, 404])
        }
    }
}
