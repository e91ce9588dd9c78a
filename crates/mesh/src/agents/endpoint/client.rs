use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{
    self,
    connect::{HttpConnector, dns::Name},
};
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use tokio::net::lookup_host;
use tokio::sync::OnceCell;
use tower::Service;

use super::address::checked;
use switchtower_platform::tls;

/// TCP connect timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

type Inner = legacy::Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// Sends each request over a connection of its own, and follows no redirects.
#[derive(Clone, Debug)]
pub(in crate::agents) struct Client {
    pub(in crate::agents) allow_remote: bool,
    plain: OnceCell<Inner>,
    /// Apart, for it needs the system's certificate authorities, which take a while to read.
    tls: OnceCell<Inner>,
}

impl Client {
    pub(in crate::agents) fn new(allow_remote: bool) -> Self {
        Self { allow_remote, plain: OnceCell::new(), tls: OnceCell::new() }
    }

    /// The head of the answer.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, String> {
        let is_tls = request.uri().scheme_str() == Some("https");
        let client = if is_tls { &self.tls } else { &self.plain };
        let allow_remote = self.allow_remote;
        let make = async || {
            let tls = tokio::task::spawn_blocking(move || tls::config(is_tls));
            let tls = tls.await.map_err(io::Error::other)??;
            Ok::<_, io::Error>(build(tls, allow_remote))
        };
        let client = client.get_or_try_init(make).await;
        let client = client.map_err(|error| format!("TLS cannot be set up: {error}"))?;
        client.request(request).await.map_err(|error| causes(&error))
    }
}

fn build(tls: ClientConfig, allow_remote: bool) -> Inner {
    let mut http = HttpConnector::new_with_resolver(Resolver { allow_remote });
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https)
}

/// An error with all its causes, each once.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |&error| error.source()) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Looks names up when a connection is made, and looks at where they lead then.
#[derive(Clone, Copy, Debug)]
struct Resolver {
    allow_remote: bool,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    // Connections are rare, so the box costs nothing.
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allow_remote = self.allow_remote;
        Box::pin(async move {
            // The port comes later.
            let found = lookup_host((name.as_str(), 0)).await?;
            let addresses = checked(name.as_str(), found.collect(), allow_remote);
            Ok(addresses.map_err(io::Error::other)?.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::BodyExt;
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::pki_types::PrivateKeyDer;
    use rustls::{RootCertStore, ServerConfig, crypto::ring::default_provider};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    fn ask(endpoint: &str) -> Request<Full<Bytes>> {
        Request::post(endpoint).body(Full::default()).unwrap()
    }

    #[tokio::test]
    async fn a_name_is_looked_at_when_a_connection_is_made() {
        // Not an address to us, but one to the system's resolver.
        let error = Client::new(false).send(ask("http://10.1:9/")).await.unwrap_err();
        assert!(error.contains("10.0.0.1, which is not this machine's loopback"), "{error}");
    }

    #[tokio::test]
    async fn it_speaks_tls_and_looks_at_the_certificate() {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(server));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
            }
        });

        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let response = build(tls, false).request(ask(&endpoint)).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hi");

        let stranger = Client::new(false).send(ask(&endpoint)).await.unwrap_err();
        assert!(stranger.contains("certificate"), "{stranger}");
    }
}
