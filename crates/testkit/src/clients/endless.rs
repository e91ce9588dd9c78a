//! A provider whose answer has no end.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

/// A listener that answers its first request as fast as it is read. It is gone when this is dropped.
#[derive(Debug)]
pub struct Endless {
    addr: SocketAddr,
    written: Arc<AtomicUsize>,
    writer: JoinHandle<()>,
}

impl Endless {
    /// Starts it on a free loopback port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let addr = listener.local_addr().unwrap();
        let written = Arc::new(AtomicUsize::new(0));
        let writer = tokio::spawn(write(listener, written.clone()));
        Self { addr, written, writer }
    }

    /// Base URL, with `/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// Number of bytes that were read from it so far.
    pub fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

async fn write(listener: TcpListener, written: Arc<AtomicUsize>) {
    let (mut stream, _) = listener.accept().await.expect("a connection");
    // The head is longer than this; the unread rest does no harm.
    stream.read_exact(&mut [0; 100]).await.expect("a request");
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("a reader");
    while let Ok(more) = stream.write(&[b'x'; 64 << 10]).await {
        written.fetch_add(more, Ordering::Relaxed);
    }
}
