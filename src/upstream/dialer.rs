use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Uri;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use switchtower_layers::BoxError;
use tower::Service;

use super::proxy::{ProxyClient, Stream};

/// Connects to a provider over TCP, through its proxy if it has one.
#[derive(Clone)]
pub(super) struct Dialer {
    tcp: HttpConnector,
    proxy: Option<ProxyClient>,
}

impl Dialer {
    pub(super) fn new(tcp: HttpConnector, proxy: Option<ProxyClient>) -> Self {
        Self { tcp, proxy }
    }
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    // Connections are rare, so the box costs nothing.
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        ready!(self.tcp.poll_ready(cx))?;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let Some(proxy) = self.proxy.clone() else {
            let connecting = self.tcp.call(target);
            return Box::pin(async {
                Ok(TokioIo::new(Stream::Tcp(connecting.await?.into_inner())))
            });
        };
        let connecting = self.tcp.call(proxy.uri().clone());
        Box::pin(async move {
            let tcp = connecting.await.map_err(|error| proxy.unreachable(&error))?;
            Ok(TokioIo::new(proxy.establish(tcp.into_inner(), &target).await?))
        })
    }
}
