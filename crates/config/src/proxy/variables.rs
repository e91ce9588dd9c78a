use http::{Uri, uri::Scheme};

use super::{DirectReason, InvalidProxy, ProxyRoute, ProxySource, bypass::Bypass, parse};
use crate::{
    env::Resolved,
    local::{host, is_local},
};

/// The variables that name proxies and hosts without, of each pair the one that goes first.
pub(crate) const VARIABLES: [&str; 8] = [
    "https_proxy",
    "HTTPS_PROXY",
    "http_proxy",
    "HTTP_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// What the environment says of proxies.
#[derive(Debug, Default)]
pub(crate) struct ProxyVariables {
    https: Option<Variable>,
    http: Option<Variable>,
    all: Option<Variable>,
    none: Option<(ProxySource, Bypass)>,
}

#[derive(Clone)]
struct Variable {
    source: ProxySource,
    value: String,
}

/// Without the value, in which a password may stand.
impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.source, f)
    }
}

impl ProxyVariables {
    /// `variables` has been asked for [`VARIABLES`].
    pub(crate) fn of(variables: &Resolved) -> Self {
        let [https, http, all, none] = [0, 2, 4, 6].map(|at| {
            let pair = [VARIABLES[at], VARIABLES[at + 1]];
            let found = pair.into_iter().filter_map(|name| {
                let (value, file) = variables.with_file(name)?;
                let source = ProxySource::Variable { name, file: file.cloned() };
                let variable = Variable { source, value: value.to_owned() };
                (!value.trim().is_empty()).then_some((file.is_some(), variable))
            });
            // The first of those that are as good: of the process, before of a file.
            found.min_by_key(|(is_of_file, _)| *is_of_file).map(|(_, variable)| variable)
        });
        let none = none.map(|Variable { source, value }| (source, Bypass::parse(&value)));
        Self { https, http, all, none }
    }

    /// How a provider at this URL is reached.
    ///
    /// # Errors
    ///
    /// The variable that counts for it, and what is wrong with its value.
    pub(crate) fn route(&self, base_url: &Uri) -> Result<ProxyRoute, (ProxySource, InvalidProxy)> {
        let is_https = base_url.scheme() == Some(&Scheme::HTTPS);
        let own = if is_https { &self.https } else { &self.http };
        let Some(variable) = own.as_ref().or(self.all.as_ref()) else {
            return Ok(ProxyRoute::Direct(DirectReason::Unset));
        };
        if is_local(base_url) {
            return Ok(ProxyRoute::Direct(DirectReason::Loopback));
        }
        let port = base_url.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        if let Some((source, bypass)) = &self.none
            && bypass.lists(host(base_url), port)
        {
            return Ok(ProxyRoute::Direct(DirectReason::NoProxy(source.clone())));
        }
        let Variable { source, value } = variable;
        match parse(value, source.clone()) {
            Ok(proxy) => Ok(ProxyRoute::Proxy(proxy)),
            Err(error) => Err((source.clone(), error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;

    /// How a URL is reached in this environment.
    fn route(env: &Env, url: &str) -> String {
        let variables = ProxyVariables::of(&env.resolve(&VARIABLES));
        match variables.route(&url.parse().unwrap()) {
            Ok(ProxyRoute::Proxy(proxy)) => format!("{proxy} by {}", proxy.source()),
            Ok(ProxyRoute::Direct(DirectReason::NoProxy(source))) => format!("direct by {source}"),
            Ok(ProxyRoute::Direct(reason)) => format!("direct: {reason:?}"),
            Err((source, error)) => format!("{source} {error}"),
        }
    }

    #[test]
    fn which_variable_counts() {
        let (tls, plain) = ("https://a.example/v1", "http://a.example/v1");
        let h = |name| (name, "http://h:1");
        for (variables, url, expected) in [
            (&[][..], tls, "direct: Unset"),
            (&[h("HTTPS_PROXY")], tls, "http://h:1 by HTTPS_PROXY"),
            (&[h("https_proxy")], tls, "http://h:1 by https_proxy"),
            (&[h("HTTPS_PROXY"), ("https_proxy", "http://l")], tls, "http://l:80 by https_proxy"),
            (&[h("HTTPS_PROXY"), ("https_proxy", " ")], tls, "http://h:1 by HTTPS_PROXY"),
            (&[h("HTTPS_PROXY")], plain, "direct: Unset"),
            (&[h("HTTP_PROXY")], plain, "http://h:1 by HTTP_PROXY"),
            (&[h("http_proxy")], plain, "http://h:1 by http_proxy"),
            (&[h("HTTP_PROXY")], tls, "direct: Unset"),
            (&[h("ALL_PROXY")], plain, "http://h:1 by ALL_PROXY"),
            (&[h("ALL_PROXY"), ("HTTPS_PROXY", "l:2")], tls, "http://l:2 by HTTPS_PROXY"),
            (&[h("all_proxy"), ("HTTPS_PROXY", "l:2")], plain, "http://h:1 by all_proxy"),
            (&[("ALL_PROXY", "socks5h://s")], tls, "socks5://s:1080 by ALL_PROXY"),
            (&[h("ALL_PROXY"), ("NO_PROXY", "b,example")], tls, "direct by NO_PROXY"),
            (
                &[h("ALL_PROXY"), ("NO_PROXY", "a.example"), ("no_proxy", "b.example")],
                tls,
                "http://h:1 by ALL_PROXY",
            ),
            (&[h("ALL_PROXY"), ("NO_PROXY", "a.example:80")], tls, "http://h:1 by ALL_PROXY"),
            (&[h("ALL_PROXY"), ("NO_PROXY", "a.example:80")], plain, "direct by NO_PROXY"),
            (&[("NO_PROXY", "*")], tls, "direct: Unset"),
            (&[h("ALL_PROXY")], "http://127.0.0.1:1/v1", "direct: Loopback"),
            (&[h("ALL_PROXY")], "https://localhost/v1", "direct: Loopback"),
            (&[h("ALL_PROXY")], "http://[::1]:1", "direct: Loopback"),
            (&[h("ALL_PROXY"), ("NO_PROXY", "fd00::/8")], "http://[fd00::1]", "direct by NO_PROXY"),
            (&[h("ALL_PROXY")], "http://10.0.0.1", "http://h:1 by ALL_PROXY"),
            (
                &[("HTTPS_PROXY", "socks4://u:secret@h")],
                tls,
                "HTTPS_PROXY has the scheme `socks4`, which is not supported",
            ),
            (&[("HTTPS_PROXY", "socks4://h"), ("NO_PROXY", "*")], tls, "direct by NO_PROXY"),
            (&[("HTTPS_PROXY", "socks4://h")], "https://[::1]", "direct: Loopback"),
        ] {
            let env = Env::fixed(variables.iter().copied());
            assert_eq!(route(&env, url), expected, "{variables:?} {url}");
        }
    }

    #[test]
    fn the_process_goes_before_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(".env");
        std::fs::write(&file, "https_proxy=http://file\nNO_PROXY=b.example\n").unwrap();
        let url = "https://a.example";
        let env = Env::fixed([("HTTPS_PROXY", "http://process")]).with_dotenv(directory.path());
        assert_eq!(route(&env, url), "http://process:80 by HTTPS_PROXY");
        let no_proxy = format!("direct by NO_PROXY in {}", file.display());
        assert_eq!(route(&env, "https://b.example"), no_proxy);
        let env = Env::empty().with_dotenv(directory.path());
        assert_eq!(
            route(&env, url),
            format!("http://file:80 by https_proxy in {}", file.display())
        );
        // One that is set to nothing hides the file's.
        let env = Env::fixed([("https_proxy", "")]).with_dotenv(directory.path());
        assert_eq!(route(&env, url), "direct: Unset");
    }
}
