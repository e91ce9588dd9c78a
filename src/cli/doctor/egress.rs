//! The way to each provider: its proxy and its certificate authorities, and where they are set.

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
        format!("trusts {file} ({certificates}) besides the system's authorities, by its `ca`")
    });
    let lines = route.into_iter().chain(authority);
    lines.map(|line| Finding::ok(Group::Providers, format!("{name}: {line}"))).collect()
}

fn route(route: &ProxyRoute) -> Option<String> {
    Some(match route {
        ProxyRoute::Proxy(proxy) => format!("goes through {proxy}, by {}", proxy.source()),
        ProxyRoute::Direct(DirectReason::Unset) => return None,
        ProxyRoute::Direct(DirectReason::Loopback) => {
            "goes through no proxy: it is on this machine".to_owned()
        }
        ProxyRoute::Direct(DirectReason::Setting) => {
            "goes through no proxy, by its `proxy`".to_owned()
        }
        ProxyRoute::Direct(DirectReason::NoProxy(source)) => {
            format!("goes through no proxy, by {source}")
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
            ("base_url: 'https://a.b'", "p: goes through http://proxy:8080, by HTTPS_PROXY"),
            ("base_url: 'http://a.b'", ""),
            ("base_url: 'https://c.d'", "p: goes through no proxy, by NO_PROXY"),
            ("base_url: 'https://[::1]'", "p: goes through no proxy: it is on this machine"),
            ("base_url: 'https://a.b', proxy: none", "p: goes through no proxy, by its `proxy`"),
            (
                "base_url: 'https://c.d', proxy: 'socks5://me:secret@s'",
                "p: goes through socks5://s:1080, by its `proxy`",
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
