//! `CONNECT` (RFC 9110, section 9.3.6). hyper-util's own does not report the status of a refusal.

use std::io;

use http::{HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::error::ProxyFailure;

/// The largest head of an answer, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// Opens a tunnel to `authority`, which is `host:port`.
pub(super) async fn tunnel(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    authority: &str,
    authorization: Option<&HeaderValue>,
) -> Result<(), ProxyFailure> {
    let broken = |error: io::Error| ProxyFailure::Io(error.to_string());
    let request = request(authority, authorization);
    stream.write_all(&request).await.map_err(broken)?;
    stream.flush().await.map_err(broken)?;

    let mut read = Vec::with_capacity(256);
    loop {
        if let Some(length) = head(&read) {
            match status(&read[..length]) {
                Some(status) if status.is_informational() => drop(read.drain(..length)),
                // Bytes behind the head are dropped: the provider sends nothing before it is asked.
                Some(status) if status.is_success() => return Ok(()),
                Some(status) => return Err(ProxyFailure::Status(status)),
                None => return Err(ProxyFailure::NotHttp),
            }
            continue;
        }
        if read.len() >= MAX_HEAD || !b"HTTP/1.".starts_with(&read[..read.len().min(7)]) {
            return Err(ProxyFailure::NotHttp);
        }
        if stream.read_buf(&mut read).await.map_err(broken)? == 0 {
            return Err(ProxyFailure::Closed);
        }
    }
}

fn request(authority: &str, authorization: Option<&HeaderValue>) -> Vec<u8> {
    let agent = concat!("switchtower/", env!("CARGO_PKG_VERSION"));
    let mut request = format!(
        "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {agent}\r\n\
         Proxy-Connection: keep-alive\r\n"
    )
    .into_bytes();
    if let Some(authorization) = authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request
}

/// The length of the head, with the empty line that ends it, once it is whole.
fn head(read: &[u8]) -> Option<usize> {
    let end = |end: &[u8]| read.windows(end.len()).position(|w| w == end).map(|at| at + end.len());
    // Some end their lines without a carriage return.
    end(b"\r\n\r\n").into_iter().chain(end(b"\n\n")).min()
}

/// Of `HTTP/1.1 200 Connection established`.
fn status(head: &[u8]) -> Option<StatusCode> {
    let rest = head.strip_prefix(b"HTTP/1.")?;
    let (version, rest) = rest.split_first()?;
    let code = rest.strip_prefix(b" ")?.get(..3)?;
    let ends = rest.get(4).is_some_and(u8::is_ascii_whitespace);
    (version.is_ascii_digit() && ends).then(|| StatusCode::from_bytes(code).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    /// Parses an answer that arrives in pieces of so many bytes; returns the result and the
    /// request.
    async fn answered(answer: &str, piece: usize) -> (Result<(), ProxyFailure>, String) {
        let (mut here, mut there) = duplex(64 << 10);
        for piece in answer.as_bytes().chunks(piece) {
            there.write_all(piece).await.unwrap();
        }
        there.shutdown().await.unwrap();
        let authorization = HeaderValue::from_static("Basic dTpw");
        let result = tunnel(&mut here, "a.example:443", Some(&authorization)).await;
        drop(here);
        let mut asked = String::new();
        there.read_to_string(&mut asked).await.unwrap();
        (result, asked)
    }

    #[tokio::test]
    async fn what_an_answer_means() {
        let code = |code| Err(ProxyFailure::Status(StatusCode::from_u16(code).unwrap()));
        let large = format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(MAX_HEAD));
        for (answer, expected) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", Ok(())),
            ("HTTP/1.0 200 OK\r\nvia: a\r\n\r\n", Ok(())),
            ("HTTP/1.1 204 \r\n\r\n", Ok(())),
            ("HTTP/1.1 200\r\n\r\n", Ok(())),
            ("HTTP/1.1 200 OK\n\n", Ok(())),
            ("HTTP/1.1 200 OK\r\n\r\nmore", Ok(())),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Ok(())),
            ("HTTP/1.1 407 No\r\ncontent-length: 3\r\n\r\nabc", code(407)),
            ("HTTP/1.1 302 Found\r\nlocation: http://b\r\n\r\n", code(302)),
            ("HTTP/1.1 502 Bad Gateway\r\n\r\n", code(502)),
            ("", Err(ProxyFailure::Closed)),
            ("HTTP/1.1 200 OK\r\n", Err(ProxyFailure::Closed)),
            ("HTTP/1.1 2000 OK\r\n\r\n", Err(ProxyFailure::NotHttp)),
            ("HTTP/1.1 abc OK\r\n\r\n", Err(ProxyFailure::NotHttp)),
            ("SSH-2.0-OpenSSH_9.2\r\n", Err(ProxyFailure::NotHttp)),
            (&large, Err(ProxyFailure::NotHttp)),
        ] {
            for piece in [1, 7, 1 << 20] {
                assert_eq!(answered(answer, piece).await.0, expected, "{answer:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_asked() {
        let (_, asked) = answered("HTTP/1.1 200 OK\r\n\r\n", 64).await;
        let lines: Vec<_> = asked.split("\r\n").collect();
        assert_eq!(lines[0], "CONNECT a.example:443 HTTP/1.1");
        assert!(lines.contains(&"Host: a.example:443"), "{asked}");
        assert!(lines.contains(&"Proxy-Authorization: Basic dTpw"), "{asked}");
        assert!(asked.ends_with("\r\n\r\n"));
        assert!(!String::from_utf8(request("a:1", None)).unwrap().contains("Authorization"));
    }
}
