use std::{io, sync::Arc, time::Duration};

use http::{HeaderValue, Request, Uri, Version, header::AUTHORIZATION, uri::PathAndQuery};
use rustls::ClientConfig;
use switchtower_layers::Buffered;

use super::{client::ProviderClient, connection_count::Connections, proxy::ProxyClient};
use crate::config::{CertificateAuthority, Key, Provider, Proxy};

/// On a request: its path is the host's, and not to go below the base URL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtRoot;

/// One provider as the upstream sees it: where it is, the way there, how to sign in, and its pool.
pub(super) struct Endpoint {
    pub(super) name: Arc<str>,
    pub(super) client: ProviderClient,
    pub(super) connections: Connections,
    base: Uri,
    authorization: Option<HeaderValue>,
    key: Key,
    connect_ms: u64,
    proxy: Option<Proxy>,
    ca: Option<CertificateAuthority>,
}

impl Endpoint {
    pub(super) fn new(name: &str, provider: &Provider, tls: ClientConfig) -> io::Result<Self> {
        let connect_ms = provider.timeouts.connect_ms;
        let deadline = (connect_ms > 0).then(|| Duration::from_millis(connect_ms));
        let authorization = match &provider.key {
            Key::Present(key) => Some(bearer(key.expose())?),
            Key::Missing { .. } => None,
        };
        let connections = Connections::default();
        let (base, proxy) = (provider.base_url.clone(), provider.proxy.proxy().cloned());
        let way = proxy.as_ref().map(|proxy| ProxyClient::new(proxy, &tls)).transpose()?;
        Ok(Self {
            name: name.into(),
            client: ProviderClient::new(&base, way.as_ref(), tls, deadline, &connections),
            connections,
            base,
            authorization,
            key: provider.key.clone(),
            connect_ms,
            proxy,
            ca: provider.ca.clone(),
        })
    }

    /// Whether it would be made the same way again, so that its pool can stay.
    pub(super) fn is_as(&self, provider: &Provider) -> bool {
        self.base == provider.base_url
            && self.key == provider.key
            && self.connect_ms == provider.timeouts.connect_ms
            && self.proxy.as_ref() == provider.proxy.proxy()
            && self.ca == provider.ca
    }

    /// Points a request that came in for the gateway at this provider: its URL, its key.
    pub(super) fn address(&self, request: &mut Request<Buffered>) -> Result<(), http::Error> {
        let base = match request.extensions().get::<AtRoot>() {
            Some(AtRoot) => "",
            None => self.base.path(),
        };
        *request.uri_mut() = self.uri(base, request.uri())?;
        // The version of the way in says nothing about the way out.
        *request.version_mut() = Version::HTTP_11;
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        Ok(())
    }

    /// The gateway's `/v1` is replaced by the base URL, whatever that ends in.
    fn uri(&self, base: &str, incoming: &Uri) -> Result<Uri, http::Error> {
        let rest = incoming.path().strip_prefix("/v1").unwrap_or(incoming.path());
        let base = base.trim_end_matches('/');
        let query = incoming.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = PathAndQuery::try_from(format!("{base}{rest}{query}"))?;
        let mut parts = self.base.clone().into_parts();
        parts.path_and_query = Some(path);
        Ok(Uri::from_parts(parts)?)
    }
}

/// The value is marked sensitive, so that it prints as such and HTTP/2 does not index it.
fn bearer(key: &str) -> io::Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {key}"))
        .map_err(|_| io::Error::other("a key has characters that no header may have"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Env};

    fn endpoint(base_url: &str) -> Endpoint {
        let yaml =
            format!("models: {{providers: {{p: {{base_url: \"{base_url}\", api_key: sk-1}}}}}}");
        let config = Config::from_yaml("test", &yaml, &Env::empty()).unwrap();
        Endpoint::new(
            "p",
            &config.models.providers["p"],
            switchtower_platform::tls::config(false).unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn the_path_below_v1_goes_below_the_base_url() {
        for (base, path, uri) in [
            ("https://a/v1", "/v1/chat/completions", "https://a/v1/chat/completions"),
            (
                "https://a/openai/api/v1",
                "/v1/embeddings?x=1",
                "https://a/openai/api/v1/embeddings?x=1",
            ),
            ("http://127.0.0.1:1", "/v1/chat/completions", "http://127.0.0.1:1/chat/completions"),
        ] {
            let incoming: Uri = path.parse().unwrap();
            let mut request = Request::new(Buffered::default());
            *request.uri_mut() = incoming;
            endpoint(base).address(&mut request).unwrap();
            assert_eq!(*request.uri(), uri);
        }
    }

    #[test]
    fn a_path_at_the_root_has_nothing_before_it() {
        let request = Request::get("/v1/user/balance").extension(AtRoot);
        let mut request = request.body(Buffered::default()).unwrap();
        endpoint("https://a/api/v1").address(&mut request).unwrap();
        assert_eq!(*request.uri(), "https://a/user/balance");
    }

    #[test]
    fn the_key_is_set_and_does_not_print() {
        let mut request = Request::post("/v1/x").body(Buffered::default()).unwrap();
        request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Bearer client"));
        endpoint("https://a/v1").address(&mut request).unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer sk-1");
        assert!(!format!("{:?}", request.headers()).contains("sk-1"));
    }
}
