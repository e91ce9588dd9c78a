//! A provider that knows its answers by heart. Which one is asked for stands in the model's name.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::process;

const EVENTS: usize = 64;
/// Of a burst's writes.
const PER_WRITE: usize = 32;

pub(crate) async fn run() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    process::announce(listener.local_addr().expect("an address"));
    let answers = &*Box::leak(Box::new(Answers::new()));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            // The load generator disconnects in the middle.
            let _ = serve(stream, answers).await;
        });
    }
}

struct Answers {
    plain: Vec<u8>,
    head: Vec<u8>,
    /// Each a chunk of the transfer coding.
    events: Vec<Vec<u8>>,
}

impl Answers {
    fn new() -> Self {
        let json = r#"{"id":"chatcmpl-bench","object":"chat.completion","created":1790000000,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"Nine hundred and ninety-nine bottles of beer on the wall."},"finish_reason":"stop"}],"usage":{"prompt_tokens":50,"completion_tokens":12,"total_tokens":62}}"#;
        let plain = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{json}",
            json.len()
        );
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        let event = |delta: &str, finish: &str| {
            chunk(&format!(
                "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"bench\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
            ))
        };
        let mut events = vec![event(r#"{"role":"assistant","content":""}"#, "null")];
        let words =
            (0..EVENTS - 3).map(|n| event(&format!("{{\"content\":\" word{n}\"}}"), "null"));
        events.extend(words);
        events.push(event("{}", "\"stop\""));
        events.push(chunk("data: [DONE]\n\n"));
        assert_eq!(events.len(), EVENTS);
        Self { plain: plain.into(), head: head.into(), events }
    }
}

fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

const END: &[u8] = b"0\r\n\r\n";

async fn serve(mut stream: TcpStream, answers: &Answers) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(64 << 10);
    while let Some(model) = receive(&mut stream, &mut buffer).await? {
        match model {
            Model::Plain => stream.write_all(&answers.plain).await?,
            Model::Stream => {
                stream.write_all(&answers.head).await?;
                for event in &answers.events {
                    stream.write_all(event).await?;
                    // Lets the reader see each of them alone.
                    tokio::task::yield_now().await;
                }
                stream.write_all(END).await?;
            }
            Model::Burst => {
                stream.write_all(&answers.head).await?;
                for events in answers.events.chunks(PER_WRITE) {
                    stream.write_all(&events.concat()).await?;
                    tokio::task::yield_now().await;
                }
                stream.write_all(END).await?;
            }
            Model::Idle => {
                stream.write_all(&answers.head).await?;
                stream.write_all(&answers.events[..2].concat()).await?;
                // Until the other end closes.
                while stream.read_buf(&mut buffer).await? > 0 {}
            }
        }
    }
    Ok(())
}

enum Model {
    Plain,
    Stream,
    Burst,
    Idle,
}

/// Reads one request.
async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Model>> {
    buffer.clear();
    let (head, length) = loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            break (end + 4, content_length(&buffer[..end]));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let body = &buffer[head..];
    let name = find(body, b"\"bench-").map(|at| body[at + 7]);
    Ok(Some(match name {
        Some(b's') => Model::Stream,
        Some(b'b') => Model::Burst,
        Some(b'i') => Model::Idle,
        _ => Model::Plain,
    }))
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let line = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
