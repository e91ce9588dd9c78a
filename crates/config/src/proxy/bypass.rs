//! `NO_PROXY`: hosts that are reached without a proxy.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::local;

/// The entries of `NO_PROXY`, separated by commas or blanks: `*`, domains, addresses and networks,
/// each perhaps with a port. A domain matches all names under it as well, whether it begins with a
/// dot, with `*.` or with neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bypass(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    Address(IpAddr),
    Network(IpNet),
    /// In lower case, without a dot at either end.
    Domain(String),
}

impl Bypass {
    pub(super) fn parse(text: &str) -> Self {
        let words = text.split(|c: char| c == ',' || c.is_whitespace());
        Self(words.filter(|word| !word.is_empty()).filter_map(Entry::parse).collect())
    }

    /// Whether a host is listed; an IPv6 address comes without brackets, a name without its last dot.
    pub(super) fn lists(&self, host: &str, port: u16) -> bool {
        let address = local::address(host);
        let host = host.to_ascii_lowercase();
        self.0.iter().any(|entry| {
            entry.port.is_none_or(|only| only == port) && entry.hosts.has(&host, address)
        })
    }
}

impl Entry {
    /// `None` for what can match nothing.
    fn parse(word: &str) -> Option<Self> {
        // An IPv6 address without brackets has colons, too.
        if let Some(hosts) = Hosts::numeric(word) {
            return Some(Self { hosts, port: None });
        }
        let (host, port) = match word.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => (host, port.parse().ok()),
            _ => (word, None),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Some(Self { hosts: Hosts::numeric(bare).or_else(|| Hosts::named(bare))?, port })
    }
}

impl Hosts {
    fn numeric(text: &str) -> Option<Self> {
        let network = || text.parse().ok().map(Self::Network);
        local::address(text).map(Self::Address).or_else(network)
    }

    fn named(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let domain = text.strip_prefix('*').unwrap_or(text).trim_matches('.');
        (!domain.is_empty()).then(|| Self::Domain(domain.to_ascii_lowercase()))
    }

    fn has(&self, host: &str, address: Option<IpAddr>) -> bool {
        match self {
            Self::All => true,
            Self::Address(own) => address == Some(*own),
            Self::Network(network) => address.is_some_and(|address| network.contains(&address)),
            // An address is under no domain.
            Self::Domain(_) if address.is_some() => false,
            Self::Domain(domain) => host
                .strip_suffix(domain.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_entry_lists() {
        for (list, host, port, listed) in [
            ("", "a.example", 443, false),
            (",, ,", "a.example", 443, false),
            ("*", "a.example", 443, true),
            ("*", "10.0.0.1", 80, true),
            ("a.example", "a.example", 443, true),
            ("a.example", "A.Example", 443, true),
            ("a.example.", "a.example", 443, true),
            ("example", "a.example", 443, true),
            (".example", "a.example", 443, true),
            (".a.example", "a.example", 443, true),
            ("*.example", "a.b.example", 443, true),
            ("b.example,a.example", "a.example", 443, true),
            ("b.example a.example", "a.example", 443, true),
            (" b.example ,\ta.example ", "a.example", 443, true),
            ("ample", "a.example", 443, false),
            ("a.example", "ba.example", 443, false),
            ("b.a.example", "a.example", 443, false),
            ("a.example:443", "a.example", 443, true),
            ("a.example:443", "a.example", 8443, false),
            (".example:8443", "a.example", 8443, true),
            ("*:80", "a.example", 443, false),
            ("10.0.0.1", "10.0.0.1", 80, true),
            ("10.0.0.1:81", "10.0.0.1", 80, false),
            ("10.0.0.1", "110.0.0.1", 80, false),
            ("0.0.1", "10.0.0.1", 80, false),
            ("10.0.0.0/8", "10.9.9.9", 80, true),
            ("10.0.0.0/8", "11.9.9.9", 80, false),
            ("10.0.0.0/8", "10.example", 80, false),
            ("10.0.0.0/8:80", "10.9.9.9", 443, false),
            ("fd00::/8", "fd12::1", 80, true),
            ("fd12::1", "fd12:0::1", 80, true),
            ("[fd12::1]", "fd12::1", 80, true),
            ("[fd12::1]:80", "fd12::1", 80, true),
            ("[fd12::1]:81", "fd12::1", 80, false),
            ("10.0.0.1", "::ffff:10.0.0.1", 80, true),
            ("http://a.example", "a.example", 80, false),
        ] {
            assert_eq!(Bypass::parse(list).lists(host, port), listed, "{list} {host}:{port}");
        }
    }
}
