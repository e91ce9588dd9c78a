//! A provider without an HTTP library: it says exactly these bytes, and shows exactly what came.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// A listener that answers every request with the same bytes. It is gone when this is dropped.
#[derive(Debug)]
pub struct Canned {
    addr: SocketAddr,
    heads: Heads,
    listener: JoinHandle<()>,
}

type Heads = Arc<Mutex<Vec<String>>>;

impl Canned {
    /// Answers with these bytes, and keeps the connection.
    pub async fn start(answer: impl Into<Bytes>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let addr = listener.local_addr().unwrap();
        let heads = Heads::default();
        let listener = tokio::spawn(accept(listener, answer.into(), heads.clone()));
        Self { addr, heads, listener }
    }

    /// Base URL, with `/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// Listening address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The heads of the requests so far, as they stood on the wire.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().clone()
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn accept(listener: TcpListener, answer: Bytes, heads: Heads) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, answer.clone(), heads.clone()));
    }
}

async fn serve(mut stream: TcpStream, answer: Bytes, heads: Heads) {
    let mut read = Vec::new();
    while let Some(head) = request(&mut stream, &mut read).await {
        heads.lock().push(head);
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// Reads a request to its end and returns its head; `None` when the client has gone.
async fn request(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<String> {
    let end = loop {
        match read.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(at) => break at + 4,
            None => more(stream, read).await?,
        }
    };
    let body = read.split_off(end);
    let head = String::from_utf8(std::mem::replace(read, body)).expect("a head of text");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().expect("a length"));
    while read.len() < length {
        more(stream, read).await?;
    }
    read.drain(..length);
    Some(head)
}

async fn more(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(read).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}
