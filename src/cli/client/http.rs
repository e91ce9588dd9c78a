//! HTTP, and HTTPS where the URL says so.

use std::io;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use switchtower_layers::Buffered;

use switchtower_platform::tls;

pub(super) type Http = Client<HttpsConnector<HttpConnector>, Buffered>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Something to reach this URL with.
///
/// # Errors
///
/// When TLS is needed and cannot be set up.
pub(super) fn http(url: &Uri) -> io::Result<Http> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls::config(url.scheme() == Some(&Scheme::HTTPS))?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new()).build(https))
}
