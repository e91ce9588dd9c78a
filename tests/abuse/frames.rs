//! HTTP/2 and WebSockets with invalid frames, or too many.

use std::time::Duration;

use fastrand::Rng;
use http::Request;
use http_body_util::Full;
use hyper::{body::Bytes, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{client::at_last, house::House, mix::Done};
use switchtower_testkit::clients::CHAT;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;

pub(crate) async fn send(house: &House, rng: &mut Rng, done: &Done) {
    let stream = TcpStream::connect(house.addr).await.expect("a connection");
    let what = match rng.u8(0..7) {
        0 => noise(stream, rng).await,
        1 => pings(stream).await,
        2 => endless_head(stream).await,
        3 | 4 => resets(house, stream, rng).await,
        _ => socket(house, stream, rng).await,
    };
    done.add(format!("frames: {what}"));
    sleep(Duration::from_millis(rng.u64(0..50))).await;
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Reads whatever comes, for a moment or to the end.
async fn drain(mut stream: TcpStream, wait: Duration) {
    let mut sink = tokio::io::sink();
    let _ = timeout(wait, tokio::io::copy(&mut stream, &mut sink)).await;
}

async fn noise(mut stream: TcpStream, rng: &mut Rng) -> &'static str {
    let noise: Vec<u8> = (0..rng.usize(1..400)).map(|_| rng.u8(..)).collect();
    let settings = frame(SETTINGS, 0, 0, &[]);
    let _ = stream.write_all(&[PREFACE, &settings, &noise].concat()).await;
    drain(stream, Duration::from_millis(rng.u64(0..1000))).await;
    "noise"
}

/// Each ping asks for an answer, which is never read.
async fn pings(mut stream: TcpStream) -> &'static str {
    let ping = frame(PING, 0, 0, &[0; 8]).repeat(2000);
    let _ = stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
    for _ in 0..5 {
        if timeout(Duration::from_millis(500), stream.write_all(&ping)).await.is_err() {
            break;
        }
    }
    "pings"
}

/// A head that goes on in frame after frame.
async fn endless_head(mut stream: TcpStream) -> &'static str {
    let _ = stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
    let _ = stream.write_all(&frame(HEADERS, 0, 1, &[0x82, 0x86])).await;
    let more = frame(CONTINUATION, 0, 1, &[0x82; 16_000]);
    for _ in 0..100 {
        if stream.write_all(&more).await.is_err() {
            break;
        }
    }
    drain(stream, Duration::from_millis(300)).await;
    "a head without an end"
}

/// Asks, and takes it back at once, again and again.
async fn resets(house: &House, stream: TcpStream, rng: &mut Rng) -> &'static str {
    let io = TokioIo::new(stream);
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), io).await.expect("a connection");
    let connection = tokio::spawn(connection);
    let head = house.head("");
    let bearer = head.lines().find_map(|line| line.strip_prefix("authorization: "));
    for _ in 0..rng.usize(1..40) {
        let prompt = format!("{:x} slow", rng.u64(..));
        let messages = json!([{"role": "user", "content": prompt}]);
        let body = json!({"model": "m", "stream": rng.bool(), "messages": messages});
        let request = Request::post(format!("http://{}{CHAT}", house.addr))
            .header("authorization", bearer.expect("a key"))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .expect("a request");
        if sender.ready().await.is_err() {
            break;
        }
        let wait = Duration::from_millis(rng.u64(0..30));
        let _ = timeout(wait, sender.send_request(request)).await;
    }
    drop(sender);
    let _ = at_last(connection).await;
    "resets"
}

async fn socket(house: &House, mut stream: TcpStream, rng: &mut Rng) -> &'static str {
    let head = house.head("GET /ws");
    let handshake = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let _ = stream.write_all(format!("{head}{handshake}").as_bytes()).await;
    let mut answer = [0; 12];
    at_last(stream.read_exact(&mut answer)).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 101");
    let bytes: Vec<u8> = match rng.u8(0..6) {
        0 => (0..rng.usize(1..3000)).map(|_| rng.u8(..)).collect(),
        // Without a mask; with a length beyond all bounds; a control frame that is too long.
        1 => b"\x81\x05hello".to_vec(),
        2 => b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0".to_vec(),
        3 => [&b"\x89\xfe\xff\xff\0\0\0\0"[..], &[0; 70_000]].concat(),
        // Bytes that are no text, and a beginning without an end.
        4 => b"\x81\x82\0\0\0\0\xff\xfe".to_vec(),
        _ => b"\x01\x81\0\0\0\0a".repeat(20),
    };
    let _ = stream.write_all(&bytes).await;
    drain(stream, Duration::from_millis(rng.u64(0..1000))).await;
    "a socket"
}
