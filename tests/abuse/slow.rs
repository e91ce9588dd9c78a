//! Clients that take their time, or leave.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{house::House, mix::Done, providers::FATES};
use switchtower_testkit::clients::CHAT;

pub(crate) async fn dawdle(house: &House, rng: &mut Rng, done: &Done) {
    let mut stream = TcpStream::connect(house.addr).await.expect("a connection");
    let what = match rng.u8(0..10) {
        0 => silence(&mut stream, rng).await,
        1 => half_a_head(house, &mut stream, rng).await,
        2 => slow_body(house, &mut stream, rng).await,
        3 => slow_reader(house, &mut stream, rng).await,
        4 => no_reader(house, &mut stream, rng).await,
        5 => abandoned_task(house, rng).await,
        _ => leaves(house, &mut stream, rng).await,
    };
    if rng.bool() {
        // RST instead of FIN.
        let _ = stream.set_zero_linger();
    }
    done.add(format!("slow: {what}"));
}

fn some_time(rng: &mut Rng, most: u64) -> Duration {
    Duration::from_millis(rng.u64(0..most))
}

fn request(house: &House, path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let head = house.head(&format!("POST {path}"));
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into()
}

fn question(rng: &mut Rng, word: &str) -> Value {
    let prompt = format!("{:x} {word}", rng.u64(..));
    json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": prompt}]})
}

async fn silence(stream: &mut TcpStream, rng: &mut Rng) -> &'static str {
    let _ = timeout(some_time(rng, 4000), stream.read_u8()).await;
    "silence"
}

async fn half_a_head(house: &House, stream: &mut TcpStream, rng: &mut Rng) -> &'static str {
    let head = house.head("GET /health");
    let _ = stream.write_all(&head.as_bytes()[..rng.usize(1..head.len())]).await;
    let _ = timeout(some_time(rng, 4000), stream.read_u8()).await;
    "half a head"
}

async fn slow_body(house: &House, stream: &mut TcpStream, rng: &mut Rng) -> &'static str {
    let bytes = request(house, CHAT, &question(rng, "good"));
    let at = rng.usize(bytes.len() - 40..bytes.len());
    let _ = stream.write_all(&bytes[..at]).await;
    let pause = some_time(rng, 1500);
    for byte in &bytes[at..] {
        sleep(pause).await;
        if stream.write_u8(*byte).await.is_err() || rng.u8(0..8) == 0 {
            break;
        }
    }
    "a slow body"
}

async fn slow_reader(house: &House, stream: &mut TcpStream, rng: &mut Rng) -> &'static str {
    let _ = stream.write_all(&request(house, CHAT, &question(rng, "large"))).await;
    let mut piece = vec![0; rng.usize(1..20_000)];
    for _ in 0..rng.usize(1..40) {
        if !matches!(stream.read(&mut piece).await, Ok(1..)) {
            break;
        }
        sleep(Duration::from_millis(30)).await;
    }
    "a slow reader"
}

/// Asks for all there is, and reads nothing of it.
async fn no_reader(house: &House, stream: &mut TcpStream, rng: &mut Rng) -> &'static str {
    let events = format!("{}\r\n", house.head("GET /events"));
    let bytes = match rng.u8(0..3) {
        0 => events.into_bytes(),
        1 => request(house, CHAT, &question(rng, "large")),
        _ => request(house, CHAT, &question(rng, "good")).repeat(10),
    };
    let _ = stream.write_all(&bytes).await;
    sleep(some_time(rng, 2500)).await;
    "no reader"
}

/// The task is not cancelled, but cut short.
async fn abandoned_task(house: &House, rng: &mut Rng) -> &'static str {
    let mut client = house.client(rng.bool());
    let timeout = if rng.bool() { 0.2 } else { 20. };
    let payload = json!({"task": "wait", "options": {"timeout": timeout}});
    let task = json!({"target": "hang", "payload": payload});
    let (status, accepted) = client.json("/tasks", Some(&task)).await;
    assert_eq!(status, 202, "{accepted}");
    sleep(some_time(rng, 300)).await;
    if timeout > 1. {
        let id = accepted["task_id"].as_str().expect("an id");
        client.json(&format!("/tasks/{id}/cancel"), Some(&json!({}))).await;
    }
    sleep(some_time(rng, 2000)).await;
    "a task that hangs"
}

/// Leaves in the middle of its request, or of the answer.
async fn leaves(house: &House, stream: &mut TcpStream, rng: &mut Rng) -> &'static str {
    let (word, _) = rng.choice(FATES).expect("some");
    let bytes = match rng.u8(0..3) {
        0 => request(house, CHAT, &question(rng, word)),
        1 => {
            let prompt = format!("{:x} {word}", rng.u64(..));
            let body = json!({"model": "m", "stream": rng.bool(), "input": prompt});
            request(house, "/v1/responses", &body)
        }
        _ => request(house, CHAT, &question(rng, "large")),
    };
    if rng.u8(0..4) == 0 {
        let _ = stream.write_all(&bytes[..rng.usize(1..bytes.len())]).await;
        return "leaves in its request";
    }
    let _ = stream.write_all(&bytes).await;
    if rng.bool() {
        sleep(some_time(rng, 600)).await;
        return "leaves before its answer";
    }
    let mut piece = vec![0; rng.usize(1..100_000)];
    let _ = timeout(Duration::from_secs(1), stream.read_exact(&mut piece)).await;
    "leaves in its answer"
}
