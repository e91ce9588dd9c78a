//! Checks the address of an endpoint, and whether it is this machine's.

use std::net::{IpAddr, SocketAddr};

use http::Uri;
use tokio::net::lookup_host;

/// An absolute `http` or `https` URL without userinfo and fragment.
///
/// # Errors
///
/// Says what is wrong with it. An address that is elsewhere is; names are not looked up.
pub(in crate::agents) fn parse(text: &str, allow_remote: bool) -> Result<Uri, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let Some(rest) = rest else {
        return Err("it has to begin with http:// or https://".to_owned());
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("it may have no user and no password".to_owned());
    }
    if text.contains('#') {
        return Err("it may have no `#`".to_owned());
    }
    let uri: Uri = text.parse().map_err(|error| format!("it is no URL: {error}"))?;
    let host = uri.host().unwrap_or_default();
    if bare(host).is_empty() {
        return Err("it names no host".to_owned());
    }
    let port = authority.strip_prefix(host).unwrap_or_default();
    if !port.is_empty() && uri.port_u16().is_none_or(|port| port == 0) {
        return Err("its port is none".to_owned());
    }
    match bare(host).parse() {
        Ok(ip) if !may_connect(ip, allow_remote) => Err(elsewhere(ip)),
        _ => Ok(uri),
    }
}

/// All its addresses.
///
/// # Errors
///
/// There are none, or one of them is elsewhere.
pub(in crate::agents) async fn resolve(
    endpoint: &Uri,
    allow_remote: bool,
) -> Result<Vec<SocketAddr>, String> {
    let host = bare(endpoint.host().unwrap_or_default());
    let is_tls = endpoint.scheme_str() == Some("https");
    let port = endpoint.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let found = lookup_host((host, port)).await;
    let found = found.map_err(|error| format!("`{host}` is not found: {error}"))?;
    checked(host, found.collect(), allow_remote)
}

/// The addresses of a name, if a connection may be made to each of them.
pub(super) fn checked(
    host: &str,
    addresses: Vec<SocketAddr>,
    allow_remote: bool,
) -> Result<Vec<SocketAddr>, String> {
    if addresses.is_empty() {
        return Err(format!("`{host}` has no address"));
    }
    match addresses.iter().find(|address| !may_connect(address.ip(), allow_remote)) {
        Some(address) => Err(format!("`{host}` is {}", elsewhere(address.ip()))),
        None => Ok(addresses),
    }
}

fn may_connect(ip: IpAddr, allow_remote: bool) -> bool {
    allow_remote || ip.to_canonical().is_loopback()
}

fn elsewhere(ip: IpAddr) -> String {
    format!("{ip}, which is not this machine's loopback: set `allow_remote_agents` to allow it")
}

/// Without the brackets of IPv6.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_urls_of_this_machine() {
        for text in [
            "http://127.0.0.1:8080",
            "https://localhost/a/b?c=d",
            "http://[::1]:1/",
            "http://127.8.9.1",
            "http://[::ffff:127.0.0.1]/",
            "http://some.name:65535",
        ] {
            assert!(parse(text, false).is_ok(), "{text}");
        }
        for text in [
            "",
            "127.0.0.1:80",
            "/a",
            "ftp://127.0.0.1",
            "HTTP://127.0.0.1",
            "http://",
            "http:///a",
            "http://u:p@127.0.0.1",
            "http://127.0.0.1@evil.example",
            "http://127.0.0.1/#a",
            "http://127.0.0.1:0",
            "http://127.0.0.1:99999",
            "http://127.0.0.1:",
            "http://a b",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "http://[::]",
            "http://169.254.169.254/latest",
            "http://[::ffff:10.0.0.1]",
            "http://é.example",
            "http://:80",
        ] {
            assert!(parse(text, false).is_err(), "{text}");
        }
        assert!(parse("http://10.0.0.1", true).is_ok());
    }

    #[tokio::test]
    async fn every_address_counts() {
        let uri = Uri::from_static("http://localhost:81");
        let found = resolve(&uri, false).await.unwrap();
        assert!(found.iter().all(|address| address.port() == 81 && address.ip().is_loopback()));
        let here: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let there: SocketAddr = "10.0.0.1:1".parse().unwrap();
        assert!(checked("a", vec![here, there], false).unwrap_err().contains("10.0.0.1"));
        assert_eq!(checked("a", vec![here, there], true), Ok(vec![here, there]));
        assert!(checked("a", Vec::new(), true).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "(https?://)?[\\[\\]:@/?#.a1 é%\\\\-]{0,20}") {
            if let Ok(uri) = parse(&text, false) {
                prop_assert!(uri.host().is_some_and(|host| !host.is_empty()));
            }
        }
    }
}
