use std::time::Duration;

use switchtower_layers::quota::{Quotas, SourceHandle};

use super::{balance::BalanceProbe, codexbar::Codexbar};
use crate::{
    config::{self, CertificateAuthority, Config, Key, Probe, Proxy},
    upstream::Upstream,
};

/// The quota sources that `models.quota` configures: the balance of each usable provider that has
/// an endpoint for it, then `codexbar`. A provider's own report wins.
#[derive(Debug, Default)]
pub struct QuotaSources {
    quotas: Quotas,
    running: Vec<(Source, SourceHandle)>,
}

/// A quota source with everything that changes how it is read.
#[derive(Clone, Debug, PartialEq)]
enum Source {
    Balance {
        provider: String,
        probe: Probe,
        base_url: http::Uri,
        key: Key,
        connect_ms: u64,
        /// Boxed, as it is larger than all the rest.
        way: Box<(Option<Proxy>, Option<CertificateAuthority>)>,
    },
    Codexbar {
        settings: config::Codexbar,
        full_percent: f64,
    },
}

impl QuotaSources {
    /// The reported quotas. The handle stays the same across reloads.
    #[must_use]
    pub fn quotas(&self) -> Quotas {
        self.quotas.clone()
    }

    /// Reads the sources of this configuration, and no others. Unchanged ones continue, and their
    /// reports are kept.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn reconfigure(&mut self, config: &Config, upstream: &Upstream) {
        let wanted = sources(config);
        self.running.retain(|(source, watched)| {
            let stays = wanted.contains(source);
            if !stays {
                self.quotas.unwatch(watched);
            }
            stays
        });
        self.quotas.set_names(config.quota_names());
        for source in wanted {
            if !self.running.iter().any(|(running, _)| *running == source) {
                let watched = self.start(&source, upstream);
                self.running.push((source, watched));
            }
        }
    }

    fn start(&self, source: &Source, upstream: &Upstream) -> SourceHandle {
        match source {
            Source::Balance { provider, probe, .. } => {
                let probe = BalanceProbe::new(provider, *probe, upstream.only(provider));
                self.quotas.watch_first(probe)
            }
            Source::Codexbar { settings, full_percent } => self.quotas.watch(Codexbar {
                command: settings.command.clone(),
                ttl: Duration::from_secs(settings.ttl_s),
                time_limit: Duration::from_secs(settings.timeout_s),
                full_percent: *full_percent,
                ..Codexbar::default()
            }),
        }
    }
}

fn sources(config: &Config) -> Vec<Source> {
    let providers = config.models.providers.iter();
    let asked =
        providers.filter(|(_, provider)| provider.is_usable() && provider.probe.has_balance());
    let balances = asked.map(|(name, provider)| Source::Balance {
        provider: name.clone(),
        probe: provider.probe,
        base_url: provider.base_url.clone(),
        key: provider.key.clone(),
        connect_ms: provider.timeouts.connect_ms,
        way: Box::new((provider.proxy.proxy().cloned(), provider.ca.clone())),
    });
    let quota = &config.models.quota;
    let codexbar = quota.codexbar.iter().map(|settings| Source::Codexbar {
        settings: settings.clone(),
        full_percent: quota.full_percent,
    });
    balances.chain(codexbar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    fn config(models: &str) -> Config {
        let yaml = format!("models: {{{models}}}");
        Config::from_yaml("test.yaml", &yaml, &Env::empty()).unwrap_or_else(|e| panic!("{e}"))
    }

    /// How many of those that are watched under the first configuration go on under the second,
    /// and how many begin.
    #[track_caller]
    fn changes(before: &str, after: &str) -> (usize, usize) {
        let (before, after) = (sources(&config(before)), sources(&config(after)));
        let stays = after.iter().filter(|source| before.contains(source)).count();
        (stays, after.len() - stays)
    }

    #[test]
    fn who_is_asked_as_before_goes_on() {
        let a = "base_url: 'http://a', quota: deepseek";
        let one = format!("providers: {{a: {{{a}, api_key: k}}}}");
        assert_eq!(changes(&one, &one), (1, 0));
        assert_eq!(
            changes(&one, &format!("providers: {{a: {{{a}, api_key: k, models: [m]}}}}")),
            (1, 0)
        );
        assert_eq!(changes(&one, &format!("providers: {{a: {{{a}, api_key: other}}}}")), (0, 1));
        let proxied = format!("providers: {{a: {{{a}, api_key: k, proxy: 'http://p'}}}}");
        assert_eq!(changes(&one, &proxied), (0, 1));
        assert_eq!(changes(&one, &format!("providers: {{a: {{{a}}}}}")), (0, 0));
        assert_eq!(changes(&one, &format!("{one}, quota: {{codexbar: {{}}}}")), (1, 1));
        let codexbar = |full| format!("quota: {{full_percent: {full}, codexbar: {{ttl_s: 5}}}}");
        assert_eq!(changes(&codexbar(90), &codexbar(90)), (1, 0));
        assert_eq!(changes(&codexbar(90), &codexbar(80)), (0, 1));
    }
}
