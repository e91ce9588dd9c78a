use std::{
    collections::HashMap,
    convert::Infallible,
    fmt, io,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, uri::Scheme};
use ipnet::IpNet;
use switchtower_layers::{Buffered, Code, Dialect, Rejection, Target};
use tower::Service;

use super::{
    ResponseFuture, UpstreamBody, endpoint::Endpoint, forwarded, headers, redact::Redactor,
};
use crate::{
    client_address::PeerAddress,
    config::{Config, Key, Provider, Proxy, ProxyScheme},
};
use switchtower_platform::tls::Roots;

/// Sends a request to its target's provider. See the [module](super).
///
/// A request without a [`Target`], or with one for an unknown provider, is answered with 503
/// `NO_PROVIDER`.
#[derive(Clone)]
pub struct Upstream {
    endpoints: Arc<HashMap<Arc<str>, Arc<Endpoint>>>,
    trusted_proxies: Arc<[IpNet]>,
    redactor: Redactor,
}

impl Upstream {
    /// An upstream for every usable provider of the configuration. Connects to nothing yet.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn new(config: &Config) -> io::Result<Self> {
        let nothing = Self {
            endpoints: Arc::default(),
            trusted_proxies: [].into(),
            redactor: Redactor::new([]),
        };
        nothing.reconfigure(config)
    }

    /// An upstream for another configuration. Providers whose base URL, key, proxy, authority and
    /// connect deadline stay as they are keep their connections. This one is as it was.
    ///
    /// It may take a moment, for the system's certificate authorities are read when a provider
    /// needs them that was not there before.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn reconfigure(&self, config: &Config) -> io::Result<Self> {
        let providers = config.models.providers.iter().filter(|(_, provider)| provider.is_usable());
        let mut endpoints = HashMap::new();
        let mut others = Vec::new();
        for (name, provider) in providers {
            match self.endpoints.get(name.as_str()).filter(|known| known.is_as(provider)) {
                Some(known) => drop(endpoints.insert(known.name.clone(), known.clone())),
                None => others.push((name, provider)),
            }
        }
        let roots = Roots::load(others.iter().any(|(_, provider)| needs_tls(provider)));
        let tls = roots.config(&[])?;
        for (name, provider) in others {
            let tls = match &provider.ca {
                None => tls.clone(),
                Some(ca) => roots.config(ca.certificates())?,
            };
            let endpoint = Endpoint::new(name, provider, tls)?;
            endpoints.insert(endpoint.name.clone(), Arc::new(endpoint));
        }
        let providers = config.models.providers.values();
        let keys = providers.clone().filter_map(|provider| match &provider.key {
            Key::Present(key) => Some(key),
            Key::Missing { .. } => None,
        });
        // A forwarding proxy gets its password with each request, and may quote it in an error page.
        let proxies = providers.filter_map(|provider| provider.proxy.proxy());
        let passwords: Vec<_> = proxies.flat_map(Proxy::secrets).collect();
        Ok(Self {
            endpoints: Arc::new(endpoints),
            trusted_proxies: config.trusted_proxies.as_slice().into(),
            redactor: Redactor::new(keys.chain(&passwords)),
        })
    }

    /// What keeps the providers' keys out of what their errors say.
    pub(crate) fn redactor(&self) -> Redactor {
        self.redactor.clone()
    }

    /// Connections by provider: open ones, in use or pooled, and those that ever were.
    #[must_use]
    pub fn connections(&self) -> Vec<(Arc<str>, u64, u64)> {
        let endpoints = self.endpoints.values();
        endpoints
            .map(|endpoint| {
                let Endpoint { name, connections, .. } = &**endpoint;
                (name.clone(), connections.open(), connections.made())
            })
            .collect()
    }

    /// An upstream for one provider only: it does not keep the connections of others open.
    #[must_use]
    pub fn only(&self, provider: &str) -> Self {
        let endpoint = self.endpoints.get_key_value(provider);
        let endpoints = endpoint.map(|(name, endpoint)| (name.clone(), endpoint.clone()));
        Self {
            endpoints: Arc::new(endpoints.into_iter().collect()),
            trusted_proxies: self.trusted_proxies.clone(),
            redactor: self.redactor.clone(),
        }
    }

    fn send(&self, mut request: Request<Buffered>) -> Result<ResponseFuture, Rejection> {
        let no_provider = |message| Rejection::new(Code::NoProvider, message);
        let Some(target) = request.extensions().get::<Target>() else {
            return Err(no_provider("the request has no target"));
        };
        let Some(endpoint) = self.endpoints.get(&target.provider) else {
            return Err(no_provider("the target's provider is not configured"));
        };
        // Both dialects answer in JSON or events.
        let is_text = request.extensions().get::<Dialect>().is_some()
            || Dialect::of_path(request.uri().path()).is_some();
        let peer = PeerAddress::of(request.extensions());
        headers::remove_hop_by_hop(request.headers_mut());
        let scheme = request.extensions().get::<Scheme>().cloned();
        forwarded::set(request.headers_mut(), peer, scheme.as_ref(), &self.trusted_proxies);
        headers::outbound(request.headers_mut());
        endpoint.address(&mut request).map_err(|error| {
            Rejection::new(Code::InvalidRequest, format!("the path cannot be sent on: {error}"))
        })?;
        // They are for the layers; a request that may have to be sent again is copied without them.
        request.extensions_mut().clear();
        let sent = endpoint.client.send(request);
        Ok(ResponseFuture::sent(sent, endpoint.name.clone(), self.redactor.clone(), is_text))
    }
}

/// Whether it, or the proxy before it, has a certificate that has to be checked.
fn needs_tls(provider: &Provider) -> bool {
    provider.base_url.scheme() == Some(&Scheme::HTTPS)
        || provider.proxy.proxy().is_some_and(|proxy| proxy.scheme() == ProxyScheme::Https)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    /// Which of the providers of two configurations keep their connections.
    fn kept(before: &str, after: &str) -> Vec<String> {
        let config = |providers| {
            let yaml = format!("models: {{providers: {{{providers}}}}}");
            Config::from_yaml("test", &yaml, &Env::empty()).unwrap()
        };
        let before = Upstream::new(&config(before)).unwrap();
        let after = before.reconfigure(&config(after)).unwrap();
        let same = |(name, endpoint): (&Arc<str>, &Arc<Endpoint>)| {
            let was = before.endpoints.get(name)?;
            Arc::ptr_eq(was, endpoint).then(|| name.to_string())
        };
        let mut kept: Vec<_> = after.endpoints.iter().filter_map(same).collect();
        kept.sort();
        kept
    }

    #[test]
    fn who_stays_as_it_is_keeps_its_connections() {
        let a = "a: {base_url: 'http://a', api_key: k, models: [m]}";
        let b = "b: {base_url: 'http://b', api_key: k}";
        assert_eq!(kept(&format!("{a}, {b}"), &format!("{b}, {a}")), ["a", "b"]);
        assert_eq!(kept(&format!("{a}, {b}"), a), ["a"]);
        assert_eq!(kept(a, &format!("{a}, {b}")), ["a"]);
        let with = |more| format!("a: {{base_url: 'http://a', api_key: k, {more}}}");
        for same in [
            "models: [n]",
            "timeouts: {idle_ms: 7}",
            "retry: {budget: 1}",
            "quota: none",
            "proxy: none",
        ] {
            assert_eq!(kept(a, &with(same)), ["a"], "{same}");
        }
        for other in [
            &with("timeouts: {connect_ms: 7}"),
            &with("proxy: 'http://p'"),
            &with("enabled: false"),
            "a: {base_url: 'http://a/v1', api_key: k}",
            "a: {base_url: 'http://a', api_key: other}",
            "a: {base_url: 'http://a'}",
        ] {
            assert_eq!(kept(a, other), [""; 0], "{other}");
        }
    }

    #[test]
    fn one_alone_has_the_same_connections() {
        let yaml = "models: {providers: {a: {base_url: 'http://a', api_key: k}, b: {base_url: 'http://b', api_key: k}}}";
        let all = Upstream::new(&Config::from_yaml("test", yaml, &Env::empty()).unwrap()).unwrap();
        let only = all.only("a");
        assert_eq!(only.endpoints.len(), 1);
        assert!(Arc::ptr_eq(&only.endpoints["a"], &all.endpoints["a"]));
        assert!(all.only("c").endpoints.is_empty());
    }
}
