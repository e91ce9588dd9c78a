use std::{fmt::Write as _, net::IpAddr};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{FORWARDED, HOST},
    uri::Scheme,
};
use ipnet::IpNet;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Says for whom the request is forwarded. What a stranger claims is overwritten; a trusted
/// proxy's claims stay, and its own address is added. Must run while `Host` is still there.
///
/// `scheme` is the one the client has spoken.
pub(super) fn set(
    headers: &mut HeaderMap,
    peer: Option<IpAddr>,
    scheme: Option<&Scheme>,
    trusted: &[IpNet],
) {
    let ip = peer.map(|ip| ip.to_canonical());
    let is_trusted = ip.is_some_and(|ip| trusted.iter().any(|net| net.contains(&ip)));
    let mut chain = String::new();
    if is_trusted {
        for line in headers.get_all(FOR).iter().filter_map(|line| line.to_str().ok()) {
            let _ = write!(chain, "{line}, ");
        }
    } else {
        for name in [FORWARDED, FOR, PROTO, FORWARDED_HOST, REAL_IP] {
            headers.remove(name);
        }
        let is_tls = scheme == Some(&Scheme::HTTPS);
        headers.insert(PROTO, HeaderValue::from_static(if is_tls { "https" } else { "http" }));
        if let Some(host) = headers.get(HOST).cloned() {
            headers.insert(FORWARDED_HOST, host);
        }
    }
    if let Some(value) = ip.and_then(|ip| chained(chain, ip)) {
        headers.insert(FOR, value);
    }
}

fn chained(mut chain: String, ip: IpAddr) -> Option<HeaderValue> {
    let _ = write!(chain, "{ip}");
    HeaderValue::try_from(chain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(peer: &str, trusted: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost:3000"));
        headers.append(FOR, HeaderValue::from_static("1.1.1.1"));
        headers.append(FOR, HeaderValue::from_static("2.2.2.2"));
        headers.insert(PROTO, HeaderValue::from_static("https"));
        headers.insert(REAL_IP, HeaderValue::from_static("1.1.1.1"));
        headers.insert(FORWARDED, HeaderValue::from_static("for=1.1.1.1"));
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        set(&mut headers, Some(peer.parse().unwrap()), None, &trusted);
        headers
    }

    #[test]
    fn a_strangers_claims_are_overwritten() {
        let headers = forwarded("127.0.0.1", &["10.0.0.0/8"]);
        assert_eq!(headers[FOR], "127.0.0.1");
        assert_eq!(headers.get_all(FOR).iter().count(), 1);
        assert_eq!(headers[PROTO], "http");
        assert_eq!(headers[FORWARDED_HOST], "localhost:3000");
        assert!(!headers.contains_key(REAL_IP) && !headers.contains_key(FORWARDED));
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_added() {
        let headers = forwarded("10.1.2.3", &["10.0.0.0/8"]);
        assert_eq!(headers[FOR], "1.1.1.1, 2.2.2.2, 10.1.2.3");
        assert_eq!(headers[PROTO], "https");
        assert!(headers.contains_key(REAL_IP));
        assert_eq!(forwarded("::ffff:10.1.2.3", &["10.0.0.0/8"])[PROTO], "https");
    }

    #[test]
    fn an_unknown_peer_is_a_stranger() {
        let mut headers = HeaderMap::new();
        headers.insert(FOR, HeaderValue::from_static("1.1.1.1"));
        set(&mut headers, None, Some(&Scheme::HTTPS), &[]);
        assert!(!headers.contains_key(FOR));
        assert_eq!(headers[PROTO], "https");
    }
}
