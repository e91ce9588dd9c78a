//! The client's address, where a trusted proxy stands between the client and the gateway.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
};

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request};
use ipnet::IpNet;
use tower::{Layer, Service};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Replaces the peer's address in the request's extensions ([`IpAddr`]) with the client's, so that
/// everything further in which counts by address counts the client.
///
/// The client's address is the rightmost entry of all `X-Forwarded-For` lines that is not a trusted
/// proxy itself, if the peer is one. Entries further left come from an untrusted source. An entry
/// that is no address ends the search, and so does the beginning of the list: then the trusted
/// proxy found last is counted. Where the peer is not trusted, nothing is read.
#[derive(Clone, Debug)]
pub(crate) struct ClientAddressLayer(Option<Arc<[IpNet]>>);

impl ClientAddressLayer {
    /// With the configured `trusted_proxies`. Without any, requests pass as they are.
    pub(crate) fn new(trusted: &[IpNet]) -> Self {
        Self((!trusted.is_empty()).then(|| trusted.into()))
    }
}

impl<S> Layer<S> for ClientAddressLayer {
    type Service = ResolveClientAddress<S>;

    fn layer(&self, inner: S) -> ResolveClientAddress<S> {
        ResolveClientAddress { inner, trusted: self.0.clone() }
    }
}

/// Middleware that finds the client's address. See [`ClientAddressLayer`].
#[derive(Clone, Debug)]
pub(crate) struct ResolveClientAddress<S> {
    inner: S,
    trusted: Option<Arc<[IpNet]>>,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for ResolveClientAddress<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(trusted) = &self.trusted {
            resolve(&mut request, trusted);
        }
        self.inner.call(request)
    }
}

/// Address of the connection's other end, where that is not the client's: an extension of the
/// request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerAddress(IpAddr);

impl PeerAddress {
    /// The address of the connection's other end, if it is known.
    pub(crate) fn of(extensions: &Extensions) -> Option<IpAddr> {
        let peer = extensions.get::<Self>().map(|Self(peer)| *peer);
        peer.or_else(|| extensions.get().copied())
    }
}

fn resolve<B>(request: &mut Request<B>, trusted: &[IpNet]) {
    let Some(peer) = request.extensions().get::<IpAddr>().copied() else { return };
    let client = client(peer.to_canonical(), request.headers(), trusted);
    if client != peer {
        request.extensions_mut().insert(client);
        request.extensions_mut().insert(PeerAddress(peer));
    }
}

fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|network| network.contains(ip));
    let lines = headers.get_all(X_FORWARDED_FOR).iter().map(HeaderValue::as_bytes).rev();
    let entries = lines.flat_map(|line| line.rsplit(|&byte| byte == b',')).map(<[u8]>::trim_ascii);
    // RFC 9110, section 5.6.1.2: empty elements of a list do not count.
    let mut entries = entries.filter(|entry| !entry.is_empty());
    let mut nearest = peer;
    while is_trusted(&nearest) {
        match entries.next().and_then(address) {
            Some(before) => nearest = before,
            None => break,
        }
    }
    nearest
}

/// The address in an entry, which may have a port, brackets and quotes: `192.0.2.1`, `192.0.2.1:80`,
/// `2001:db8::1`, `[2001:db8::1]`, `"[2001:db8::1]:80"`.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(entry).ok()?;
    let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let text = unquoted.unwrap_or(text).trim_ascii();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = match bare {
        Some(bare) => IpAddr::V6(bare.parse().ok()?),
        None => text.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?,
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resolved(peer: &str, trusted: &[&str], lines: &[&[u8]]) -> Request<()> {
        let mut request = Request::new(());
        request.extensions_mut().insert(peer.parse::<IpAddr>().unwrap());
        for line in lines {
            let value = HeaderValue::from_bytes(line).unwrap();
            request.headers_mut().append(X_FORWARDED_FOR, value);
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        resolve(&mut request, &trusted);
        request
    }

    fn client_of(peer: &str, lines: &[&str]) -> String {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        let request = resolved(peer, &["10.0.0.0/8", "fd00::/8"], &lines);
        let extensions = request.extensions();
        assert_eq!(PeerAddress::of(extensions), Some(peer.parse().unwrap()), "it stays known");
        extensions.get::<IpAddr>().unwrap().to_string()
    }

    #[test]
    fn the_rightmost_that_is_not_trusted_is_the_client() {
        for (lines, client) in [
            (&["203.0.113.7"][..], "203.0.113.7"),
            (&["198.51.100.9, 203.0.113.7"], "203.0.113.7"),
            (&["198.51.100.9, 203.0.113.7, 10.0.0.2,10.0.0.3"], "203.0.113.7"),
            (&["203.0.113.7, fd00::2"], "203.0.113.7"),
            (&["198.51.100.9", "203.0.113.7"], "203.0.113.7"),
            (&["198.51.100.9, 203.0.113.7", "10.0.0.2"], "203.0.113.7"),
            (&["203.0.113.7 \t"], "203.0.113.7"),
            (&["203.0.113.7, ", " ,"], "203.0.113.7"),
            (&["203.0.113.7,,10.0.0.2"], "203.0.113.7"),
            // All are trusted: the one that is furthest away.
            (&["10.0.0.4, 10.0.0.3"], "10.0.0.4"),
            (&[], "10.0.0.1"),
            (&[""], "10.0.0.1"),
        ] {
            assert_eq!(client_of("10.0.0.1", lines), client, "{lines:?}");
        }
    }

    #[test]
    fn what_is_no_address_ends_the_search() {
        for (line, client) in [
            ("203.0.113.7, unknown", "10.0.0.1"),
            ("203.0.113.7, unknown, 10.0.0.2", "10.0.0.2"),
            ("203.0.113.7, 10.0.0.3, _hidden, 10.0.0.2", "10.0.0.2"),
            ("unknown, 203.0.113.7", "203.0.113.7"),
            ("203.0.113.7 198.51.100.9", "10.0.0.1"),
            ("203.0.113.7:99999", "10.0.0.1"),
            ("203.0.113", "10.0.0.1"),
            ("203.0.113.07", "10.0.0.1"),
            ("[203.0.113.7]", "10.0.0.1"),
            ("[2001:db8::1", "10.0.0.1"),
            ("\"203.0.113.7", "10.0.0.1"),
            ("2001:db8::1%eth0", "10.0.0.1"),
            ("for=203.0.113.7", "10.0.0.1"),
        ] {
            assert_eq!(client_of("10.0.0.1", &[line]), client, "{line}");
        }
        let request = resolved("10.0.0.1", &["10.0.0.0/8"], &[b"203.0.113.7", b"\xff\xfe"]);
        assert_eq!(request.extensions().get::<IpAddr>().unwrap().to_string(), "10.0.0.1");
    }

    #[test]
    fn an_entry_may_have_a_port_brackets_and_quotes() {
        for (entry, client) in [
            ("203.0.113.7:567", "203.0.113.7"),
            ("\"203.0.113.7\"", "203.0.113.7"),
            ("\"203.0.113.7:567\"", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:DB8::1]", "2001:db8::1"),
            ("[2001:db8::1]:567", "2001:db8::1"),
            ("\"[2001:db8::1]:567\"", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:567", "203.0.113.7"),
            // A mapped address of a proxy is trusted, too.
            ("203.0.113.7, [::ffff:10.0.0.2]:80", "203.0.113.7"),
        ] {
            assert_eq!(client_of("10.0.0.1", &[entry]), client, "{entry}");
        }
    }

    #[test]
    fn only_a_trusted_peer_is_believed() {
        assert_eq!(client_of("192.0.2.1", &["203.0.113.7"]), "192.0.2.1");
        assert_eq!(client_of("192.0.2.1", &["203.0.113.7, 10.0.0.2"]), "192.0.2.1");
        assert_eq!(client_of("::ffff:10.0.0.1", &["203.0.113.7"]), "203.0.113.7");
        let request = resolved("10.0.0.1", &[], &[b"203.0.113.7"]);
        assert_eq!(request.extensions().get::<IpAddr>().unwrap().to_string(), "10.0.0.1");
    }

    proptest! {
        /// What a client sends itself stands left of what the proxy adds, and changes nothing.
        #[test]
        fn no_client_chooses_its_address(
            claimed in prop::collection::vec("[ -~]{0,30}", 0..4),
            split in any::<bool>(),
        ) {
            let mut lines: Vec<Vec<u8>> = claimed.into_iter().map(String::into_bytes).collect();
            match lines.last_mut().filter(|_| !split) {
                Some(last) => last.extend_from_slice(b", 203.0.113.7, 10.0.0.2"),
                None => lines.push(b"203.0.113.7, 10.0.0.2".to_vec()),
            }
            let lines: Vec<_> = lines.iter().map(Vec::as_slice).collect();
            let request = resolved("10.0.0.1", &["10.0.0.0/8"], &lines);
            let client = request.extensions().get::<IpAddr>().unwrap().to_string();
            prop_assert_eq!(client, "203.0.113.7");
        }
    }
}
