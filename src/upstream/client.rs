use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use switchtower_layers::Buffered;

use super::connector::ConnectDeadline;

pub(crate) type ProviderClient = Client<ConnectDeadline<HttpsConnector<HttpConnector>>, Buffered>;

/// Below the keep-alive time of every common server, so that a pooled connection is rarely dead.
const POOL_IDLE: Duration = Duration::from_secs(30);
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);
/// A dead HTTP/2 connection would take all of its streams with it, unnoticed.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// A client with a pool of its own. Requests without a connect deadline wait as long as the
/// system lets them.
pub(super) fn build(tls: ClientConfig, connect_deadline: Option<Duration>) -> ProviderClient {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_keepalive(Some(TCP_KEEPALIVE));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(http);
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .build(ConnectDeadline::new(https, connect_deadline))
}
