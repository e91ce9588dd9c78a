//! Keys of a request, for layers that count per client or per target.

use std::{
    fmt,
    hash::Hash,
    marker::PhantomData,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use http::{HeaderName, HeaderValue, Request};

use crate::Target;

/// Bounds of a key: anything that a map takes.
pub trait Key: Clone + Eq + Hash + Send + Sync + 'static {}
impl<K: Clone + Eq + Hash + Send + Sync + 'static> Key for K {}

/// Extracts the key of a request; every key is counted separately.
///
/// All requests without a key (`None`) count together. A closure
/// `|request: &http::Request<B>| -> Option<K>` is an extractor; a key should be cheap to make, as
/// it is made for each request. It is cloned when it is new, and then kept until it is idle.
pub trait KeyExtractor<B> {
    /// The key.
    type Key: Key;

    /// The request's key.
    fn key(&self, request: &Request<B>) -> Option<Self::Key>;
}

impl<B, K, F> KeyExtractor<B> for F
where
    F: Fn(&Request<B>) -> Option<K>,
    K: Key,
{
    type Key = K;

    fn key(&self, request: &Request<B>) -> Option<K> {
        self(request)
    }
}

/// Extracts the key from a header's (first) value.
///
/// Clients choose their headers: a limit by a header that no outer layer has verified is no
/// protection.
#[derive(Clone, Debug)]
pub struct ByHeader(HeaderName);

impl ByHeader {
    /// An extractor for this header.
    pub const fn new(name: HeaderName) -> Self {
        Self(name)
    }
}

impl<B> KeyExtractor<B> for ByHeader {
    type Key = HeaderKey;

    fn key(&self, request: &Request<B>) -> Option<HeaderKey> {
        request.headers().get(&self.0).cloned().map(HeaderKey)
    }
}

/// A header's value as a key.
#[derive(PartialEq, Eq, Hash)]
pub struct HeaderKey(HeaderValue);

/// A copy: the value is a piece of the buffer that the request was read into, and a key that is
/// kept must not keep all of that.
impl Clone for HeaderKey {
    fn clone(&self) -> Self {
        Self(HeaderValue::from_bytes(self.0.as_bytes()).unwrap_or_else(|_| self.0.clone()))
    }
}

/// It may be a credential.
impl fmt::Debug for HeaderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderKey").finish_non_exhaustive()
    }
}

/// Extracts the key from an extension of the request, such as [`Target`] or [`ClientKey`].
pub struct ByExtension<T>(PhantomData<fn() -> T>);

/// Extracts the [`Target`] that the router chose: for limits on the way out.
pub type ByTarget = ByExtension<Target>;

/// Extracts the [`ClientKey`] that the authenticating layer has set.
pub type ByClient = ByExtension<ClientKey>;

impl<T> ByExtension<T> {
    /// An extractor for the extension of this type.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for ByExtension<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for ByExtension<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ByExtension<T> {}

impl<T> fmt::Debug for ByExtension<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByExtension").field(&std::any::type_name::<T>()).finish()
    }
}

impl<B, T: Key> KeyExtractor<B> for ByExtension<T> {
    type Key = T;

    fn key(&self, request: &Request<B>) -> Option<T> {
        request.extensions().get().cloned()
    }
}

/// The client's identity: an extension of the request. It is a name for the verified credential,
/// not the credential itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientKey(pub Arc<str>);

/// Extracts the peer's address: the [`IpAddr`] in the request's extensions, as a
/// [network](Self::network).
#[derive(Clone, Copy, Debug, Default)]
pub struct ByIp;

impl ByIp {
    /// The network of an address that counts as one peer, for extractors that find the address
    /// elsewhere: of an IPv6 address the first 64 bits, as a single host has all of the rest to
    /// itself. An IPv4 address that is mapped into IPv6 is the same as without.
    pub fn network(address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V6(host) => Ipv6Addr::from_bits(host.to_bits() & !u128::from(u64::MAX)).into(),
            ipv4 => ipv4,
        }
    }
}

impl<B> KeyExtractor<B> for ByIp {
    type Key = IpAddr;

    fn key(&self, request: &Request<B>) -> Option<IpAddr> {
        request.extensions().get().copied().map(Self::network)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn addresses_count_by_what_one_host_has() {
        for (address, key) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::"),
        ] {
            let network = ByIp::network(address.parse().unwrap());
            assert_eq!(network, key.parse::<IpAddr>().unwrap());
        }
    }

    #[test]
    fn a_kept_header_lets_go_of_the_request() {
        let buffer = Bytes::from(b"x-api-key: secret".to_vec());
        let value = HeaderValue::from_maybe_shared(buffer.slice(11..)).unwrap();
        let key = HeaderKey(value);
        let kept = key.clone();
        assert!(kept == key && !format!("{kept:?}").contains("secret"));
        drop(key);
        assert!(buffer.is_unique());
    }

    #[test]
    fn keys_come_from_the_request_or_there_is_none() {
        let mut request = Request::new(());
        assert!(ByHeader::new(http::header::AUTHORIZATION).key(&request).is_none());
        assert!(ByIp.key(&request).is_none());
        assert!(ByClient::new().key(&request).is_none());
        request.extensions_mut().insert(ClientKey("a".into()));
        assert_eq!(ByClient::new().key(&request), Some(ClientKey("a".into())));
    }
}
