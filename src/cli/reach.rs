//! The way to a provider's answer, step by step, so that it can be said which one failed.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::config::{Proxy, Secret};
use crate::upstream::{ProxyClient, Stream};

/// Maximum size of a list of models that is read, in bytes.
const MAX_BODY_LEN: usize = 4 << 20;

/// What was answered.
#[derive(Debug)]
pub(in crate::cli) struct Answer {
    pub(in crate::cli) status: StatusCode,
    /// From the first step to the head.
    pub(in crate::cli) took: Duration,
    /// By how many seconds the other's clock is ahead, if the answer has a `Date`.
    pub(in crate::cli) ahead: Option<i64>,
    pub(in crate::cli) is_page: bool,
    /// Its beginning; nothing if it is long or breaks off.
    pub(in crate::cli) body: Bytes,
}

/// The step that failed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Broken {
    /// The proxy failed; the text names it.
    Proxy(String),
    Name(String),
    Refused,
    Connection(String),
    Tls(String),
    Answer(String),
}

/// Gets this, within the time, through the proxy if there is one.
pub(in crate::cli) async fn get(
    uri: &Uri,
    key: Option<&Secret>,
    proxy: Option<&Proxy>,
    tls: &Arc<ClientConfig>,
    limit: Duration,
) -> Result<Answer, Broken> {
    let begun = Instant::now();
    let end = begun + limit;
    let late = |what: &str| format!("{what} within {} s", limit.as_secs());
    let is_tls = uri.scheme_str() == Some("https");
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });

    let mut request = request(uri, key).map_err(|error| Broken::Answer(error.to_string()))?;
    let stream = match proxy {
        None => Stream::Tcp(reach(host, port, end, limit).await?),
        Some(proxy) => {
            let broken = |why: &str| {
                Broken::Proxy(format!("proxy {} cannot be reached: {why}", proxy.authority()))
            };
            let tcp = reach(proxy.host(), proxy.port(), end, limit).await;
            let tcp = tcp.map_err(|error| match error {
                Broken::Refused => broken("it refuses the connection"),
                Broken::Name(why) => broken(&format!("its name cannot be looked up: {why}")),
                Broken::Connection(why) => broken(&why),
                other => other,
            })?;
            let client =
                ProxyClient::new(proxy, tls).map_err(|error| broken(&error.to_string()))?;
            if let Some(forwarding) = client.forwarding(uri) {
                *request.uri_mut() = uri.clone();
                let authorization = forwarding.authorization;
                let name = header::PROXY_AUTHORIZATION;
                request.headers_mut().extend(authorization.map(|value| (name, value)));
            }
            let established = timeout_at(end, client.establish(tcp, uri)).await;
            let established = established.map_err(|_| broken(&late("no answer")))?;
            established.map_err(|error| Broken::Proxy(error.to_string()))?
        }
    };
    let answer = if is_tls {
        let handshake = timeout_at(end, handshake(stream, host, tls)).await;
        let stream = handshake.map_err(|_| Broken::Tls(late("no handshake")))?;
        let stream = stream.map_err(|error| Broken::Tls(error.to_string()))?;
        timeout_at(end, exchange(stream, request)).await
    } else {
        timeout_at(end, exchange(stream, request)).await
    };
    let answer = answer.map_err(|_| Broken::Answer(late("no answer")))??;
    if let Some(proxy) = proxy.filter(|_| !is_tls)
        && answer.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
    {
        let status = answer.status;
        return Err(Broken::Proxy(format!("proxy {} answered {status}", proxy.authority())));
    }
    Ok(Answer { took: begun.elapsed(), ..answer })
}

/// A connection to this host, which may have several addresses.
async fn reach(host: &str, port: u16, end: Instant, limit: Duration) -> Result<TcpStream, Broken> {
    let late = |what: &str| format!("{what} within {} s", limit.as_secs());
    let addresses = timeout_at(end, lookup_host((host, port))).await;
    let addresses: Vec<_> = addresses
        .map_err(|_| Broken::Name(late("no answer")))?
        .map_err(|error| Broken::Name(error.to_string()))?
        .collect();
    let stream = timeout_at(end, connect(addresses)).await;
    stream.map_err(|_| Broken::Connection(late("no connection")))?.map_err(|error| {
        match error.kind() {
            ErrorKind::ConnectionRefused => Broken::Refused,
            _ => Broken::Connection(error.to_string()),
        }
    })
}

/// The first of the addresses that takes it: one that is dead must not hold up the others.
async fn connect(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut attempts: JoinSet<_> = addresses.into_iter().map(TcpStream::connect).collect();
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    while let Some(attempt) = attempts.join_next().await {
        match attempt.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn handshake(
    stream: Stream,
    host: &str,
    tls: &Arc<ClientConfig>,
) -> io::Result<TlsStream<Stream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(tls.clone()).connect(name, stream).await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Empty<Bytes>>,
) -> Result<Answer, Broken> {
    let broken = |error: hyper::Error| Broken::Answer(cause(&error));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(broken)?;
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let date = header(header::DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    let is_page = header(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html"));
    let status = response.status();
    let ahead = date.map(|date| seconds_ahead(date, SystemTime::now()));
    let body = Limited::new(response.into_body(), MAX_BODY_LEN).collect().await;
    let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Ok(Answer { status, took: Duration::ZERO, ahead, is_page, body })
}

fn request(uri: &Uri, key: Option<&Secret>) -> Result<Request<Empty<Bytes>>, http::Error> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let mut request = Request::get(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, concat!("switchtower/", env!("CARGO_PKG_VERSION")))
        .body(Empty::new())?;
    if let Some(key) = key {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.expose()))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
    }
    Ok(request)
}

fn seconds_ahead(there: SystemTime, here: SystemTime) -> i64 {
    let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    match there.duration_since(here) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    }
}

/// What went wrong comes last, what was attempted first.
fn cause(error: &hyper::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{Fault, Provider, Refused, Reply};
    use switchtower_platform::tls;

    const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

    async fn reached(url: String, limit: Duration) -> Result<Answer, Broken> {
        let tls = Arc::new(tls::config(false).unwrap());
        get(&url.parse().unwrap(), Some(&Secret::new("sk-1")), None, &tls, limit).await
    }

    #[tokio::test]
    async fn an_answer_tells_the_time_and_the_key_is_sent() {
        let provider = Provider::start(|request| {
            assert_eq!(request.headers["authorization"], "Bearer sk-1");
            assert_eq!((request.uri.path(), request.uri.query()), ("/v1/models", Some("a=b")));
            Reply::html("<p>").header("date", "Thu, 01 Jan 2026 00:00:00 GMT")
        });
        let provider = provider.await.unwrap();
        let url = format!("{}/models?a=b", provider.base_url());
        let answer = reached(url, CONNECT_TIMEOUT).await.unwrap();
        assert_eq!(
            (answer.status, answer.is_page, &answer.body[..]),
            (StatusCode::OK, true, &b"<p>"[..])
        );
        assert!(answer.ahead.unwrap() < 0);
    }

    #[tokio::test]
    async fn the_step_that_fails_is_named() {
        let dead = Refused::new().unwrap().base_url();
        assert_eq!(reached(dead, CONNECT_TIMEOUT).await.unwrap_err(), Broken::Refused);
        let odd = Provider::start(|_| Reply::fault(Fault::garbage())).await.unwrap();
        let broken = reached(odd.base_url(), CONNECT_TIMEOUT).await.unwrap_err();
        assert!(matches!(broken, Broken::Answer(_)), "{broken:?}");
        let plain =
            reached(odd.base_url().replace("http:", "https:"), CONNECT_TIMEOUT).await.unwrap_err();
        assert!(matches!(plain, Broken::Tls(_)), "{plain:?}");
        let silent = Provider::start(|_| Reply::fault(Fault::Silence)).await.unwrap();
        let late = reached(silent.base_url(), Duration::from_millis(100)).await.unwrap_err();
        assert_eq!(late, Broken::Answer("no answer within 0 s".to_owned()));
        let mute =
            Provider::start_with(|_| Some(Fault::Silence), |_| Reply::new(200)).await.unwrap();
        let url = mute.base_url().replace("http:", "https:");
        let late = reached(url, Duration::from_millis(100)).await.unwrap_err();
        assert_eq!(late, Broken::Tls("no handshake within 0 s".to_owned()));
    }

    #[test]
    fn ahead_and_behind() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!((seconds_ahead(at(9), at(2)), seconds_ahead(at(2), at(9))), (7, -7));
    }
}
