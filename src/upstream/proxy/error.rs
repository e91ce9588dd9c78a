use std::{fmt, sync::Arc};

use http::StatusCode;

/// A failure of a proxy, or of the connection to it. It has no source, because messages show the
/// innermost cause of an error, and that has to name the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProxyError {
    proxy: Arc<str>,
    failure: ProxyFailure,
}

/// The kinds of [`ProxyError`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ProxyFailure {
    Unreachable(String),
    Tls(String),
    Io(String),
    Closed,
    NotHttp,
    /// An answer without success.
    Status(StatusCode),
    Socks(String),
}

impl ProxyError {
    pub(super) fn new(proxy: Arc<str>, failure: ProxyFailure) -> Self {
        Self { proxy, failure }
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxy = &self.proxy;
        match &self.failure {
            ProxyFailure::Unreachable(why) => write!(f, "proxy {proxy} cannot be reached: {why}"),
            ProxyFailure::Tls(why) => write!(f, "TLS with proxy {proxy} fails: {why}"),
            ProxyFailure::Io(why) => write!(f, "the connection to proxy {proxy} broke: {why}"),
            ProxyFailure::Closed => write!(f, "proxy {proxy} closed the connection"),
            ProxyFailure::NotHttp => write!(f, "proxy {proxy} did not answer in HTTP"),
            ProxyFailure::Status(status) => write!(f, "proxy {proxy} answered {status}"),
            ProxyFailure::Socks(why) => write!(f, "proxy {proxy}: {why}"),
        }
    }
}

impl std::error::Error for ProxyError {}
