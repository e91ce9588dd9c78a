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
use tokio::net::lookup_host;
use tokio::sync::OnceCell;
use tower::Service;

use super::address::checked;
use crate::upstream;

/// To TCP.
const CONNECT: Duration = Duration::from_secs(10);

type Inner = legacy::Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// Sends each request over a connection of its own, and follows no redirects.
#[derive(Clone, Debug)]
pub(in crate::mesh::agents) struct Client {
    pub(super) allow_remote: bool,
    plain: OnceCell<Inner>,
    /// Apart, for it needs the system's certificate authorities, which take a while to read.
    tls: OnceCell<Inner>,
}

impl Client {
    pub(in crate::mesh::agents) fn new(allow_remote: bool) -> Self {
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
            tokio::task::spawn_blocking(move || build(is_tls, allow_remote))
                .await
                .map_err(io::Error::other)?
        };
        let client = client.get_or_try_init(make).await;
        let client = client.map_err(|error| format!("TLS cannot be set up: {error}"))?;
        client.request(request).await.map_err(|error| causes(&error))
    }
}

fn build(is_tls: bool, allow_remote: bool) -> io::Result<Inner> {
    let mut http = HttpConnector::new_with_resolver(Resolver { allow_remote });
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(upstream::tls_config(is_tls)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    Ok(legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https))
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
