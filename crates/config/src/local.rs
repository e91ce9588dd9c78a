//! Detects providers on this machine or in its network by their URLs alone: no name is looked up.

use std::net::IpAddr;

use http::Uri;

/// Whether a base URL points at this machine: a loopback address or `localhost`.
pub fn is_local(base_url: &Uri) -> bool {
    let host = host(base_url);
    host.eq_ignore_ascii_case("localhost") || address(host).is_some_and(|ip| ip.is_loopback())
}

/// Whether a base URL points at this machine or its network: loopback, private and link-local
/// addresses, and names under `.local`.
pub(super) fn is_private(base_url: &Uri) -> bool {
    let host = host(base_url);
    let is_near = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    is_local(base_url)
        || host.to_ascii_lowercase().ends_with(".local")
        || address(host).is_some_and(is_near)
}

/// The host without brackets and without the dot that ends an absolute name.
pub(super) fn host(base_url: &Uri) -> &str {
    let host = base_url.host().unwrap_or_default();
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.')
}

/// An IP address as it is; an IPv4 address that is written as IPv6 is one of IPv4.
pub(super) fn address(host: &str) -> Option<IpAddr> {
    host.parse().ok().map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_local() {
        for (url, local) in [
            ("http://127.0.0.1:11434/v1", true),
            ("http://127.9.9.9", true),
            ("http://localhost:1", true),
            ("http://LocalHost.:1", true),
            ("http://[::1]:1", true),
            ("http://[::ffff:127.0.0.1]:1", true),
            ("http://10.0.0.1", false),
            ("http://localhost.example", false),
            ("https://api.deepseek.com/v1", false),
        ] {
            assert_eq!(is_local(&Uri::from_static(url)), local, "{url}");
        }
    }

    #[test]
    fn private_addresses_are_near() {
        for (host, near) in [
            ("127.0.0.1", true),
            ("localhost", true),
            ("10.1.2.3", true),
            ("172.16.0.1", true),
            ("172.31.255.254", true),
            ("172.32.0.1", false),
            ("192.168.178.20", true),
            ("192.169.0.1", false),
            ("169.254.1.1", true),
            ("[fd12:3456::1]", true),
            ("[fe80::1]", true),
            ("[::ffff:192.168.0.9]", true),
            ("[2001:db8::1]", false),
            ("studio.local", true),
            ("Studio.LOCAL.", true),
            ("local", false),
            ("notlocal", false),
            ("8.8.8.8", false),
            ("ollama", false),
            ("api.deepseek.com", false),
        ] {
            let url = format!("http://{host}:11434/v1").parse().unwrap();
            assert_eq!(is_private(&url), near, "{host}");
        }
    }
}
