//! A small HTTP client: each request goes over a connection of its own.

use std::{
    error::Error,
    io::{self, ErrorKind},
    net::SocketAddr,
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, Uri, Version,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;

use super::soon;

/// The type of all requests here.
pub type Outgoing = Request<Full<Bytes>>;

/// A GET.
pub fn get(path: &str) -> Outgoing {
    Request::get(path).header(AUTHORIZATION, "Bearer test").body(Full::default()).unwrap()
}

/// A POST of JSON.
pub fn post(path: &str, body: &Value) -> Outgoing {
    post_bytes(path, body.to_string())
}

/// A POST of something that says it is JSON.
pub fn post_bytes(path: &str, body: impl Into<Bytes>) -> Outgoing {
    Request::post(path)
        .header(AUTHORIZATION, "Bearer test")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

/// Sends over a new HTTP/1.1 connection.
pub async fn send(addr: SocketAddr, request: Outgoing) -> Response<Incoming> {
    try_send(addr, request).await.expect("an answer")
}

/// Sends over a new HTTP/1.1 connection; the caller looks at what goes wrong.
///
/// Dropping the response before its end closes the connection.
pub async fn try_send(
    addr: SocketAddr,
    mut request: Outgoing,
) -> hyper::Result<Response<Incoming>> {
    let host = HeaderValue::try_from(addr.to_string()).unwrap();
    request.headers_mut().entry(HOST).or_insert(host);
    let (mut sender, connection) = http1::handshake(connect(addr).await).await?;
    tokio::spawn(connection);
    soon(sender.send_request(request)).await
}

/// Sends over a new HTTP/2 connection with prior knowledge.
pub async fn send_h2(addr: SocketAddr, request: Outgoing) -> hyper::Result<Response<Incoming>> {
    H2::connect(addr).await?.send(request).await
}

/// The HTTP versions to test with.
pub const VERSIONS: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];

/// Sends over a new connection that speaks this version.
pub async fn send_as(version: Version, addr: SocketAddr, request: Outgoing) -> Response<Incoming> {
    let response = match version {
        Version::HTTP_2 => send_h2(addr, request).await.expect("an answer"),
        _ => send(addr, request).await,
    };
    assert_eq!(response.version(), version);
    response
}

/// An HTTP/2 connection with prior knowledge. It closes when this and all answers are dropped.
#[derive(Clone, Debug)]
pub struct H2 {
    addr: SocketAddr,
    sender: http2::SendRequest<Full<Bytes>>,
}

impl H2 {
    /// Connects to this address.
    pub async fn connect(addr: SocketAddr) -> hyper::Result<Self> {
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), connect(addr).await).await?;
        tokio::spawn(connection);
        Ok(Self { addr, sender })
    }

    /// Sends over a stream of its own.
    pub async fn send(&self, request: Outgoing) -> hyper::Result<Response<Incoming>> {
        self.send_to(&self.addr.to_string(), request).await
    }

    /// Like `send`, with this `:authority`.
    pub async fn send_to(
        &self,
        authority: &str,
        mut request: Outgoing,
    ) -> hyper::Result<Response<Incoming>> {
        let uri = format!("http://{authority}{}", request.uri());
        *request.uri_mut() = Uri::try_from(uri).unwrap();
        soon(self.sender.clone().send_request(request)).await
    }
}

async fn connect(addr: SocketAddr) -> TokioIo<TcpStream> {
    let stream = TcpStream::connect(addr).await.expect("a connection");
    stream.set_nodelay(true).unwrap();
    TokioIo::new(stream)
}

/// The transport's error, if it is one. An end inside a chunked body is `UnexpectedEof`.
pub fn io_kind(error: &hyper::Error) -> Option<ErrorKind> {
    let source = error.source()?;
    Some(source.downcast_ref::<io::Error>()?.kind())
}

/// The whole body, which has to end well.
pub async fn body(response: Response<Incoming>) -> Bytes {
    soon(response.into_body().collect()).await.expect("a whole body").to_bytes()
}

/// The whole body as JSON.
pub async fn json(response: Response<Incoming>) -> Value {
    let body = body(response).await;
    serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error} in {body:?}"))
}
