//! Proxies between the gateway and its providers: set by `providers.X.proxy`, else by the usual
//! environment variables.
//!
//! | variable | for |
//! |---|---|
//! | `https_proxy`, `HTTPS_PROXY` | providers whose `base_url` is `https` |
//! | `http_proxy`, `HTTP_PROXY` | providers whose `base_url` is `http` |
//! | `all_proxy`, `ALL_PROXY` | both, where those above are not set |
//! | `no_proxy`, `NO_PROXY` | hosts that are reached without any of them |
//!
//! As in curl, the lower-case name takes precedence. Unlike in curl, upper-case `HTTP_PROXY` counts,
//! too: it is unsafe in CGI programs only, where a client can set it by a header. A variable of the
//! process takes precedence over one of a `.env` file; an empty one is not set. `NO_PROXY` does not
//! apply to `providers.X.proxy`. Providers on loopback are never reached through a proxy.

mod bypass;
mod parse;
mod variables;

use std::{fmt, path::PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, Uri};

use super::{Env, Secret};

pub(super) use parse::{InvalidProxy, parse};
pub(super) use variables::{ProxyVariables, VARIABLES};

/// The route to a provider: direct, or through a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyRoute {
    /// Straight to it.
    Direct(DirectReason),
    /// Through this proxy.
    Proxy(Proxy),
}

impl ProxyRoute {
    /// The route to this URL by the environment, if nothing is set for the provider.
    ///
    /// # Errors
    ///
    /// The variable that counts, and what is wrong with it, without its value.
    pub fn by_environment(base_url: &Uri, env: &Env) -> Result<Self, String> {
        let variables = ProxyVariables::of(&env.resolve(&VARIABLES));
        variables.route(base_url).map_err(|(source, error)| format!("{source} {error}"))
    }

    /// The proxy, if there is one.
    #[must_use]
    pub fn proxy(&self) -> Option<&Proxy> {
        match self {
            Self::Direct(_) => None,
            Self::Proxy(proxy) => Some(proxy),
        }
    }
}

/// Reason for a direct route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectReason {
    /// No proxy is set.
    Unset,
    /// One is set, but the provider is on this machine.
    Loopback,
    /// `proxy: none`.
    Setting,
    /// This variable lists its host.
    NoProxy(ProxySource),
}

/// A proxy, with the user and password that it wants; neither `Debug` nor `Display` shows these.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    scheme: ProxyScheme,
    host: String,
    port: u16,
    credentials: Option<Credentials>,
    source: ProxySource,
}

/// User and password as they are meant, and as they are written in the URL.
#[derive(Clone, PartialEq, Eq)]
struct Credentials {
    user: Secret,
    password: Secret,
    written: Secret,
}

/// The protocol that a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyScheme {
    /// `http`.
    Http,
    /// `https`: HTTP over TLS.
    Https,
    /// `socks5` and `socks5h`: SOCKS 5. The proxy looks the names of providers up.
    Socks5,
}

impl ProxyScheme {
    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 => 1080,
        }
    }
}

/// Origin of a proxy setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxySource {
    /// `providers.X.proxy`.
    Setting,
    /// A variable of the environment.
    Variable {
        /// Its name.
        name: &'static str,
        /// The `.env` file that sets it; `None` if the process does.
        file: Option<PathBuf>,
    },
}

/// "its `proxy`", or the name of a variable and where it stands.
impl fmt::Display for ProxySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting => f.write_str("its `proxy`"),
            Self::Variable { name, file: None } => f.write_str(name),
            Self::Variable { name, file: Some(file) } => write!(f, "{name} in {}", file.display()),
        }
    }
}

impl Proxy {
    /// The protocol that it speaks.
    #[must_use]
    pub fn scheme(&self) -> ProxyScheme {
        self.scheme
    }

    /// The proxy's host name or address, the latter without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The proxy's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`, for messages and URIs.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Origin of the setting.
    #[must_use]
    pub fn source(&self) -> &ProxySource {
        &self.source
    }

    /// User and password.
    #[must_use]
    pub fn credentials(&self) -> Option<(&str, &str)> {
        let Credentials { user, password, .. } = self.credentials.as_ref()?;
        Some((user.expose(), password.expose()))
    }

    /// `Proxy-Authorization`, marked as sensitive.
    #[must_use]
    pub fn authorization(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(format!("Basic {}", self.token()?)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Secrets that must be masked in all output.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        let Some(credentials) = &self.credentials else { return Vec::new() };
        let token = self.token().map(Secret::new);
        let Credentials { user, password, written } = credentials.clone();
        [user, password, written].into_iter().chain(token).collect()
    }

    fn token(&self) -> Option<String> {
        let (user, password) = self.credentials()?;
        Some(BASE64_STANDARD.encode(format!("{user}:{password}")))
    }
}

/// Its URL without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            ProxyScheme::Http => "http",
            ProxyScheme::Https => "https",
            ProxyScheme::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("url", &format_args!("{self}"))
            .field("has_credentials", &self.credentials.is_some())
            .field("source", &self.source)
            .finish()
    }
}
