//! Connections through a proxy: a tunnel (`CONNECT`, or SOCKS 5) to an https provider, and requests
//! in absolute form (RFC 9112, section 3.2.2) to an http provider.

mod connect;
mod error;
mod socks;
mod stream;

use std::io;
use std::sync::Arc;

use http::{HeaderValue, Uri, uri::Scheme};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::config::{Proxy, ProxyScheme};

pub(crate) use error::ProxyError;
use error::ProxyFailure;
pub(crate) use stream::Stream;

/// Connects to providers through one proxy. A handle: clones share it.
#[derive(Clone)]
pub(crate) struct ProxyClient(Arc<Inner>);

struct Inner {
    /// `host:port`, for errors.
    name: Arc<str>,
    /// `http://host:port/`, for the TCP connector.
    uri: Uri,
    scheme: ProxyScheme,
    authorization: Option<HeaderValue>,
    /// User and password for SOCKS.
    credentials: Option<(String, String)>,
    /// For TLS with the proxy itself.
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl ProxyClient {
    /// # Errors
    ///
    /// When its name cannot be one of a certificate, and it is spoken to over TLS.
    pub(crate) fn new(proxy: &Proxy, tls: &ClientConfig) -> io::Result<Self> {
        let authority = proxy.authority();
        let uri = format!("http://{authority}/").parse().map_err(io::Error::other)?;
        let tls = match proxy.scheme() {
            ProxyScheme::Http | ProxyScheme::Socks5 => None,
            ProxyScheme::Https => {
                let name = ServerName::try_from(proxy.host().to_owned());
                let mut config = tls.clone();
                // Proxies are spoken to in HTTP/1.1.
                config.alpn_protocols.clear();
                Some((Arc::new(config).into(), name.map_err(io::Error::other)?))
            }
        };
        let credentials = proxy.credentials();
        Ok(Self(Arc::new(Inner {
            name: authority.into(),
            uri,
            scheme: proxy.scheme(),
            authorization: proxy.authorization(),
            credentials: credentials.map(|(user, password)| (user.to_owned(), password.to_owned())),
            tls,
        })))
    }

    /// `host:port`.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// Its address, for the TCP connector.
    pub(crate) fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// How a request for this target is sent to the proxy; `None` for a tunnel, in
    /// which the proxy sees no request.
    pub(crate) fn forwarding(&self, target: &Uri) -> Option<Forwarding> {
        let is_http = matches!(self.0.scheme, ProxyScheme::Http | ProxyScheme::Https);
        (is_http && target.scheme() == Some(&Scheme::HTTP)).then(|| Forwarding {
            proxy: self.0.name.clone(),
            authorization: self.0.authorization.clone(),
        })
    }

    /// Turns a connection to the proxy into one to the target, or into one that takes
    /// [forwarded](Self::forwarding) requests for it.
    pub(crate) async fn establish(
        &self,
        tcp: TcpStream,
        target: &Uri,
    ) -> Result<Stream, ProxyError> {
        let inner = &*self.0;
        let established = async {
            let mut stream = match &inner.tls {
                None => Stream::Tcp(tcp),
                Some((connector, name)) => {
                    let handshake = connector.connect(name.clone(), tcp).await;
                    let tls = handshake.map_err(|error| ProxyFailure::Tls(error.to_string()))?;
                    Stream::Tls(Box::new(tls))
                }
            };
            if inner.scheme == ProxyScheme::Socks5 {
                return socks::connect(stream, &inner.uri, target, inner.credentials.clone()).await;
            }
            if target.scheme() == Some(&Scheme::HTTPS) {
                let authority = authority(target);
                connect::tunnel(&mut stream, &authority, inner.authorization.as_ref()).await?;
            }
            Ok(stream)
        };
        established.await.map_err(|failure| self.error(failure))
    }

    /// The proxy could not be connected to.
    pub(crate) fn unreachable(&self, error: &(dyn std::error::Error + 'static)) -> ProxyError {
        let cause = std::iter::successors(Some(error), |&error| error.source()).last();
        self.error(ProxyFailure::Unreachable(cause.unwrap_or(error).to_string()))
    }

    fn error(&self, failure: ProxyFailure) -> ProxyError {
        ProxyError::new(self.0.name.clone(), failure)
    }
}

/// How requests are addressed to a proxy that forwards them.
#[derive(Clone)]
pub(crate) struct Forwarding {
    proxy: Arc<str>,
    pub(crate) authorization: Option<HeaderValue>,
}

impl Forwarding {
    /// The error if this status comes from the proxy itself and not from the provider.
    pub(crate) fn refusal(&self, status: http::StatusCode) -> Option<ProxyError> {
        let is_of_proxy = status == http::StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        is_of_proxy.then(|| ProxyError::new(self.proxy.clone(), ProxyFailure::Status(status)))
    }
}

/// `host:port`, with the scheme's default port.
fn authority(target: &Uri) -> String {
    let usual = if target.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let port = target.port_u16().unwrap_or(usual);
    format!("{}:{port}", target.host().unwrap_or_default())
}
