use std::{
    collections::HashMap,
    convert::Infallible,
    fmt, io,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, Uri, uri::Scheme};
use ipnet::IpNet;
use switchtower_layers::{Buffered, Code, Rejection, Target};
use tower::Service;

use super::{Peer, ResponseFuture, UpstreamBody, endpoint::Endpoint, forwarded, headers, tls};
use crate::config::Config;

/// Sends a request to its target's provider. See the [module](super).
///
/// A request without a [`Target`], or with one for an unknown provider, is answered with 503
/// `NO_PROVIDER`.
#[derive(Clone)]
pub struct Upstream {
    endpoints: Arc<HashMap<Arc<str>, Endpoint>>,
    trusted_proxies: Arc<[IpNet]>,
}

impl Upstream {
    /// An upstream for every usable provider of the configuration. Connects to nothing yet.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn new(config: &Config) -> io::Result<Self> {
        let providers = config.models.providers.iter().filter(|(_, provider)| provider.is_usable());
        let is_tls = |uri: &Uri| uri.scheme() == Some(&Scheme::HTTPS);
        let tls = tls::config(providers.clone().any(|(_, provider)| is_tls(&provider.base_url)))?;
        let endpoints = providers
            .map(|(name, provider)| {
                let endpoint = Endpoint::new(name, provider, tls.clone())?;
                Ok((endpoint.name.clone(), endpoint))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self {
            endpoints: Arc::new(endpoints),
            trusted_proxies: config.trusted_proxies.as_slice().into(),
        })
    }

    fn send(&self, mut request: Request<Buffered>) -> Result<ResponseFuture, Rejection> {
        let no_provider = |message| Rejection::new(Code::NoProvider, message);
        let Some(target) = request.extensions().get::<Target>() else {
            return Err(no_provider("the request has no target"));
        };
        let Some(endpoint) = self.endpoints.get(&target.provider) else {
            return Err(no_provider("the target's provider is not configured"));
        };
        let peer = request.extensions().get::<Peer>().copied();
        headers::remove_hop_by_hop(request.headers_mut());
        forwarded::set(request.headers_mut(), peer, &self.trusted_proxies);
        headers::outbound(request.headers_mut());
        endpoint.address(&mut request).map_err(|error| {
            Rejection::new(Code::InvalidRequest, format!("the path cannot be sent on: {error}"))
        })?;
        let sent = endpoint.client.send(request);
        Ok(ResponseFuture::sent(sent, endpoint.name.clone()))
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("providers", &self.endpoints.keys()).finish()
    }
}

impl Service<Request<Buffered>> for Upstream {
    type Response = Response<UpstreamBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Buffered>) -> ResponseFuture {
        self.send(request).unwrap_or_else(ResponseFuture::rejected)
    }
}
