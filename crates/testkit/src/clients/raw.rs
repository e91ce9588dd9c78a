//! A client without HTTP: bytes out, bytes in, and every read on its own.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::soon;

/// A TCP connection that reads answers by hand.
#[derive(Debug)]
pub struct Raw {
    /// The connection.
    pub stream: TcpStream,
    /// What was read but not yet used.
    buffer: Vec<u8>,
}

/// An answer as it stood on the wire.
#[derive(Debug)]
pub struct RawResponse {
    /// Status of the response.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, without the chunks' frames.
    pub body: Vec<u8>,
    /// The chunks, if it came in chunks.
    pub chunks: Vec<Vec<u8>>,
}

impl RawResponse {
    /// All values of a header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.headers.iter().filter(|(line, _)| line == name);
        lines.map(|(_, value)| value.as_str()).collect()
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }
}

impl Raw {
    /// Connects to this address.
    pub async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.expect("a connection");
        stream.set_nodelay(true).unwrap();
        Self::new(stream)
    }

    /// Wraps a stream.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// Writes these bytes.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("a peer that reads");
    }

    /// Writes a POST of JSON with the headers that every such request needs.
    pub async fn post(&mut self, path: &str, body: &str) {
        self.post_with(path, "", body).await;
    }

    /// Like `post`, with more header lines, each ended by CRLF.
    pub async fn post_with(&mut self, path: &str, headers: &str, body: &str) {
        let length = body.len();
        self.write(format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer test\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        ))
        .await;
    }

    /// Reads one answer; the connection can be used again afterwards.
    pub async fn response(&mut self) -> io::Result<RawResponse> {
        let head = self.until(b"\r\n\r\n").await?;
        let head = String::from_utf8(head).expect("a head of text");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|status| status.parse().ok()).expect("a status line");
        let headers: Vec<_> = lines
            .map(|line| line.split_once(':').expect("a header line"))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut response = RawResponse { status, headers, body: Vec::new(), chunks: Vec::new() };
        if response.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk().await? {
                response.body.extend_from_slice(&chunk);
                response.chunks.push(chunk);
            }
        } else if status == 204 || (100..200).contains(&status) {
            // These have no body, whatever the head says.
        } else if let Some(length) = response.header("content-length") {
            let length = length.parse().expect("a length");
            response.body = self.exactly(length).await?;
        } else {
            response.body = self.rest().await?;
        }
        Ok(response)
    }

    /// Reads the next chunk of a chunked body, `None` for the last one.
    pub async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.until(b"\r\n").await?;
        let size = std::str::from_utf8(&line).expect("a chunk size").trim();
        let size = usize::from_str_radix(size, 16).expect("a chunk size");
        let mut chunk = self.exactly(size + 2).await?;
        assert_eq!(chunk.split_off(size), b"\r\n", "a chunk ends with CRLF");
        Ok((size > 0).then_some(chunk))
    }

    /// Reads up to and including these bytes.
    pub async fn until(&mut self, end: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                return self.exactly(at + end.len()).await;
            }
            self.more().await?;
        }
    }

    /// Reads to the end of the connection.
    pub async fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.some().await? > 0 {}
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Reads this many bytes.
    pub async fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < count {
            self.more().await?;
        }
        let rest = self.buffer.split_off(count);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.some().await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// One read.
    async fn some(&mut self) -> io::Result<usize> {
        soon(self.stream.read_buf(&mut self.buffer)).await
    }
}
