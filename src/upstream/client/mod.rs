//! Client of one provider: a pool of HTTP/1.1 connections, each driven by the request that it
//! serves, or a shared HTTP/2 connection where TLS negotiates that.

mod body;
mod connection;
mod http2;
mod pool;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use http::{
    HeaderValue, Request, Response, Uri,
    header::{HOST, PROXY_AUTHORIZATION},
    uri::{Parts, PathAndQuery, Scheme},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::{
        self,
        connect::{Connection as _, HttpConnector},
    },
    rt::TokioIo,
};
use rustls::ClientConfig;
use switchtower_layers::{BoxError, Buffered};
use tower::ServiceExt;

pub(super) use body::ProviderBody;

use self::{
    connection::{Broken, Connection},
    http2::Http2,
    pool::Pool,
};
use super::{
    connection_count::{Connections, CountedConnection},
    connector::ConnectDeadline,
    dialer::Dialer,
    proxy::{Forwarding, ProxyClient, Stream},
};

type Connector = ConnectDeadline<HttpsConnector<Dialer>>;
type Io = CountedConnection<MaybeHttpsStream<TokioIo<Stream>>>;

const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

/// A client with connections of its own. A handle: clones share them.
#[derive(Clone)]
pub(super) struct ProviderClient(Arc<Inner>);

struct Inner {
    connector: Connector,
    /// Set if a proxy forwards the requests.
    forwarding: Option<Forwarding>,
    pool: Arc<Pool>,
    http2: Http2,
}

/// An answer on its way. A box, since hyper's own future of it has no name; it is the only one.
pub(super) type Sending =
    Pin<Box<dyn Future<Output = Result<Response<ProviderBody>, SendError>> + Send>>;

impl ProviderClient {
    /// For a provider at this URL, through this proxy. Connects to nothing yet. Requests without a
    /// connect deadline wait as long as the system lets them.
    pub(super) fn new(
        base_url: &Uri,
        proxy: Option<&ProxyClient>,
        tls: ClientConfig,
        connect_deadline: Option<Duration>,
        connections: &Connections,
    ) -> Self {
        let forwarding = proxy.and_then(|proxy| proxy.forwarding(base_url));
        let connector = |tls: ClientConfig, http2_only: bool| {
            let mut http = HttpConnector::new();
            http.enforce_http(false);
            http.set_nodelay(true);
            http.set_keepalive(Some(TCP_KEEPALIVE));
            let name = proxy.map(|proxy| proxy.name().clone());
            let dialer = Dialer::new(http, proxy.cloned());
            let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
            let https = match http2_only {
                true => builder.enable_http2().wrap_connector(dialer),
                false => builder.enable_http1().enable_http2().wrap_connector(dialer),
            };
            ConnectDeadline::new(https, connect_deadline, name, connections.clone())
        };
        Self(Arc::new(Inner {
            connector: connector(tls.clone(), false),
            forwarding,
            pool: Arc::default(),
            http2: Http2::new(connector(tls, true)),
        }))
    }

    /// Sends a request, whose URI is absolute and which has no `Host`.
    pub(super) fn send(&self, request: Request<Buffered>) -> Sending {
        if self.0.http2.is_spoken() {
            return Box::pin(self.0.http2.send(request));
        }
        let reused = self.0.pool.take();
        let client = self.0.clone();
        Box::pin(async move {
            let mut request = request;
            if let Some(connection) = reused {
                // A provider may close an idle connection in the moment in which it is reused: the
                // request is sent once more.
                let spare = request.clone();
                match connection.exchange(client.addressed(request), &client.pool).await {
                    Err(error) if error.is_unanswered() => request = spare,
                    answer => return client.answered(answer),
                }
            }
            // Boxed, as connecting takes a large future, which few requests need.
            Box::pin(client.send_anew(request)).await
        })
    }
}

impl Inner {
    /// Sends over a new connection.
    async fn send_anew(
        &self,
        request: Request<Buffered>,
    ) -> Result<Response<ProviderBody>, SendError> {
        let io = self.connector.clone().oneshot(request.uri().clone()).await;
        let io = io.map_err(SendError::Connect)?;
        if io.connected().is_negotiated_h2() {
            return self.http2.begin(io, request).await;
        }
        let connection = Connection::new(io).await.map_err(SendError::Broken)?;
        self.answered(connection.exchange(self.addressed(request), &self.pool).await)
    }

    /// The request in origin form, or in absolute form for a proxy that forwards it.
    fn addressed(&self, request: Request<Buffered>) -> Request<Buffered> {
        match &self.forwarding {
            None => in_origin_form(request),
            Some(forwarding) => in_absolute_form(request, forwarding),
        }
    }

    /// The provider's answer, or an error if the proxy refused to forward the request.
    fn answered(
        &self,
        answer: Result<Response<ProviderBody>, Broken>,
    ) -> Result<Response<ProviderBody>, SendError> {
        let answer = answer.map_err(SendError::Broken)?;
        match self.forwarding.as_ref().and_then(|proxy| proxy.refusal(answer.status())) {
            None => Ok(answer),
            Some(refusal) => Err(SendError::Connect(refusal.into())),
        }
    }
}

/// As a server wants it: the path alone, and `Host` (RFC 9112, section 3.2.1).
fn in_origin_form(mut request: Request<Buffered>) -> Request<Buffered> {
    if let Some(host) = host(request.uri()) {
        request.headers_mut().insert(HOST, host);
    }
    let Parts { path_and_query, .. } = std::mem::take(request.uri_mut()).into_parts();
    let path = path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    request
}

/// As a forwarding proxy wants it: with the whole URI (RFC 9112, section 3.2.2).
fn in_absolute_form(mut request: Request<Buffered>, forwarding: &Forwarding) -> Request<Buffered> {
    if let Some(host) = host(request.uri()) {
        request.headers_mut().insert(HOST, host);
    }
    if let Some(authorization) = &forwarding.authorization {
        request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
    }
    request
}

/// Without the port that goes without saying.
fn host(uri: &Uri) -> Option<HeaderValue> {
    let authority = uri.authority()?;
    let usual = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let text = match authority.port_u16() {
        Some(port) if port == usual => authority.host(),
        _ => authority.as_str(),
    };
    HeaderValue::from_str(text).ok()
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum SendError {
    /// There is no connection.
    Connect(BoxError),
    /// There was one, and it broke.
    Broken(Broken),
    /// The same of HTTP/2, which keeps to hyper-util's client.
    Http2(legacy::Error),
}

impl SendError {
    pub(super) fn is_connect(&self) -> bool {
        match self {
            Self::Connect(_) => true,
            Self::Broken(_) => false,
            Self::Http2(error) => error.is_connect(),
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_connect() { "cannot connect" } else { "the connection broke" })
    }
}

impl std::error::Error for SendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Connect(error) => &**error,
            Self::Broken(error) => error,
            Self::Http2(error) => error,
        })
    }
}
