//! A client that keeps its connection, of either version.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header::HOST};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

/// How long an answer may take on a busy machine, with all that a provider does to it.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Waits for something that has to happen, be it late.
#[track_caller]
pub(crate) fn at_last<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        match timeout(RESPONSE_TIMEOUT, future).await {
            Ok(output) => output,
            Err(_) => panic!("{caller}: nothing happened for {RESPONSE_TIMEOUT:?}"),
        }
    }
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

pub(crate) struct Client {
    addr: SocketAddr,
    key: String,
    is_http2: bool,
    sender: Option<Sender>,
}

impl Client {
    pub(crate) fn new(addr: SocketAddr, key: &str, is_http2: bool) -> Self {
        Self { addr, key: key.to_owned(), is_http2, sender: None }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Response<Incoming> {
        self.send(Request::get(path), Bytes::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Response<Incoming> {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request, body.to_string().into()).await
    }

    /// The same; the answer has to be JSON.
    pub(crate) async fn json(&mut self, path: &str, body: Option<&Value>) -> (u16, Value) {
        let response = match body {
            Some(body) => self.post(path, body).await,
            None => self.get(path).await,
        };
        let status = response.status().as_u16();
        let body = at_last(response.into_body().collect()).await.expect("a whole body");
        let body = body.to_bytes();
        let json = serde_json::from_slice(&body);
        (status, json.unwrap_or_else(|error| panic!("{path}: {status}: {error} in {body:?}")))
    }

    async fn send(&mut self, request: http::request::Builder, body: Bytes) -> Response<Incoming> {
        let bearer = format!("Bearer {}", self.key);
        let mut request =
            request.header("authorization", bearer).body(Full::new(body)).expect("a request");
        if !self.is_usable().await {
            self.sender = Some(self.connect().await);
        }
        let response = match self.sender.as_mut().expect("a connection") {
            Sender::Http1(sender) => {
                let host = HeaderValue::try_from(self.addr.to_string()).unwrap();
                request.headers_mut().insert(HOST, host);
                at_last(sender.send_request(request)).await
            }
            Sender::Http2(sender) => {
                let uri = format!("http://{}{}", self.addr, request.uri());
                *request.uri_mut() = Uri::try_from(uri).unwrap();
                at_last(sender.send_request(request)).await
            }
        };
        response.expect("an answer")
    }

    async fn is_usable(&mut self) -> bool {
        match &mut self.sender {
            Some(Sender::Http1(sender)) => at_last(sender.ready()).await.is_ok(),
            Some(Sender::Http2(sender)) => at_last(sender.ready()).await.is_ok(),
            None => false,
        }
    }

    async fn connect(&self) -> Sender {
        let stream = at_last(TcpStream::connect(self.addr)).await.expect("a connection");
        stream.set_nodelay(true).unwrap();
        let io = TokioIo::new(stream);
        if self.is_http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
            tokio::spawn(connection);
            return Sender::Http2(sender);
        }
        let (sender, connection) = http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        Sender::Http1(sender)
    }
}
