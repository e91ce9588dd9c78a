//! The way to a provider: its proxy and its certificate authority.

use http::Uri;
use http::uri::Scheme;

use super::Checker;
use crate::proxy::{ProxyVariables, VARIABLES, parse};
use crate::raw::{RawProvider, RawTimeouts, Text};
use crate::{
    CertificateAuthority, DirectReason, Proxy, ProxyRoute, ProxyScheme, ProxySource, is_local,
};

/// What a provider without settings of its own has, besides the defaults of `models`.
#[derive(Clone, Copy)]
pub(super) struct General<'a> {
    /// The `timeouts` of `models` as they are written.
    pub(super) timeouts: &'a RawTimeouts,
    pub(super) proxies: &'a ProxyVariables,
}

impl Checker<'_> {
    /// The variables, also those of `.env` files if there is a provider that they can matter to.
    pub(super) fn proxy_variables(&mut self, providers: &[(Text, RawProvider)]) -> ProxyVariables {
        let matters = |provider: &RawProvider| {
            let url = provider.base_url.as_ref().and_then(|url| url.value.parse::<Uri>().ok());
            provider.enabled != Some(false)
                && provider.proxy.is_none()
                && url.is_some_and(|url| !is_local(&url))
        };
        if !providers.iter().any(|(_, provider)| matters(provider)) {
            return ProxyVariables::of(&self.env.without_dotenv().resolve(&VARIABLES));
        }
        let variables = self.env.resolve(&VARIABLES);
        for warning in &variables.warnings {
            if !self.warnings.contains(warning) {
                self.warnings.push(warning.clone());
            }
        }
        ProxyVariables::of(&variables)
    }

    /// The proxy of a provider. A variable that is wrong is an error only if it counts for a
    /// provider that is used.
    pub(super) fn proxy(
        &mut self,
        name: &str,
        setting: Option<&Text>,
        base_url: &Uri,
        is_used: bool,
        variables: &ProxyVariables,
    ) -> ProxyRoute {
        let direct = ProxyRoute::Direct;
        let Some(setting) = setting else {
            return variables.route(base_url).unwrap_or_else(|(source, error)| {
                let problem = (format!("{source} {error}"), error.help());
                if is_used && !self.wrong_variables.contains(&problem) {
                    self.wrong_variables.push(problem);
                }
                direct(DirectReason::Unset)
            });
        };
        if setting.value == "none" {
            return direct(DirectReason::Setting);
        }
        if setting.value.starts_with('$') {
            self.wrong(setting, "variables are not expanded in this file")
                .help("without `proxy`, HTTPS_PROXY and the like count".to_owned());
            return direct(DirectReason::Unset);
        }
        match parse(&setting.value, ProxySource::Setting) {
            Ok(_) if is_local(base_url) => {
                self.warnings.push(format!(
                    "the `proxy` of `{name}` is not used: the provider is on this machine"
                ));
                direct(DirectReason::Loopback)
            }
            Ok(proxy) => ProxyRoute::Proxy(proxy),
            Err(error) => {
                let has_password = setting.value.contains('@');
                let problem = self.wrong(setting, format!("this proxy {error}"));
                problem.help(format!("{}; `none` goes without one", error.help()));
                if has_password {
                    problem.secret();
                }
                direct(DirectReason::Unset)
            }
        }
    }

    /// Reports each variable that is wrong once, however many providers it counts for.
    pub(super) fn report_wrong_variables(&mut self) {
        for (message, help) in std::mem::take(&mut self.wrong_variables) {
            self.wrong_at(None, message)
                .help(format!("{help}; or give the providers a `proxy` of their own"));
        }
    }

    /// The certificates of `ca`, read from beside the configuration.
    pub(super) fn authority(
        &mut self,
        name: &str,
        file: &Text,
        base_url: &Uri,
        route: &ProxyRoute,
    ) -> Option<CertificateAuthority> {
        let path = self.beside.join(self.directory(file.clone()));
        let authority = match CertificateAuthority::read(&path) {
            Ok(authority) => authority,
            Err(reason) => {
                self.wrong(file, format!("{} {reason}", path.display()));
                return None;
            }
        };
        let is_tls = base_url.scheme() == Some(&Scheme::HTTPS)
            || route.proxy().map(Proxy::scheme) == Some(ProxyScheme::Https);
        if !is_tls {
            self.warnings
                .push(format!("the `ca` of `{name}` is not used: it is not spoken to over https"));
        }
        Some(authority)
    }
}
