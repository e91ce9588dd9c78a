//! The proxy and the certificate authorities of each provider, and where they are set.

use super::finding::{Finding, Group};
use crate::config::{DirectReason, Provider, ProxyRoute};

/// Nothing where neither a proxy nor an authority is set.
pub(super) fn look(name: &str, provider: &Provider) -> Vec<Finding> {
    if !provider.is_usable() {
        return Vec::new();
    }
    let route = route(&provider.proxy);
    let authority = provider.ca.as_ref().map(|authority| {
        let file = authority.file().display();
        let certificates = match authority.certificates().len() {
            1 => "1 certificate".to_owned(),
            count => format!("{count} certificates"),
        };
        format!("trusts {file} ({certificates}) in addition to the system's authorities")
    });
    let lines = route.into_iter().chain(authority);
    lines.map(|line| Finding::ok(Group::Providers, format!("{name}: {line}"))).collect()
}

fn route(route: &ProxyRoute) -> Option<String> {
    Some(match route {
        ProxyRoute::Proxy(proxy) => format!("uses proxy {proxy}, set by {}", proxy.source()),
        ProxyRoute::Direct(DirectReason::Unset) => return None,
        ProxyRoute::Direct(DirectReason::Loopback) => {
            "uses no proxy, because it is on this machine".to_owned()
        }
        ProxyRoute::Direct(DirectReason::Setting) => "uses no proxy, set by its `proxy`".to_owned(),
        ProxyRoute::Direct(DirectReason::NoProxy(source)) => {
            format!("uses no proxy, excluded by {source}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Env};

    #[test]
    fn what_counts_for_whom() {
        let env = Env::fixed([("HTTPS_PROXY", "http://me:secret@proxy:8080"), ("NO_PROXY", "c.d")]);
        for (settings, said) in [
            ("base_url: 'https://a.b'", "p: uses proxy http://proxy:8080, set by HTTPS_PROXY"),
            ("base_url: 'http://a.b'", ""),
            ("base_url: 'https://c.d'", "p: uses no proxy, excluded by NO_PROXY"),
            ("base_url: 'https://[::1]'", "p: uses no proxy, because it is on this machine"),
            ("base_url: 'https://a.b', proxy: none", "p: uses no proxy, set by its `proxy`"),
            (
                "base_url: 'https://c.d', proxy: 'socks5://me:secret@s'",
                "p: uses proxy socks5://s:1080, set by its `proxy`",
            ),
            ("base_url: 'https://a.b', enabled: false", ""),
        ] {
            let yaml = format!("models: {{providers: {{p: {{{settings}, api_key: k}}}}}}");
            let config = Config::from_yaml("c", &yaml, &env).unwrap_or_else(|e| panic!("{e}"));
            let lines = look("p", &config.models.providers["p"]);
            let lines: Vec<_> = lines.into_iter().map(|finding| finding.what).collect();
            assert_eq!(lines.join("\n"), said);
        }
    }
}
