use std::{collections::HashSet, io, sync::Arc};

use switchtower_layers::circuit_breaker::{Handle, Key as CircuitKey, Scope};
use tokio::task::spawn_blocking;

use crate::{
    auth::FailedKeyLimiter,
    budget::{OpenedStore, PersistentLedger},
    config::Config,
    mesh::Mesh,
    quota::QuotaSources,
    reload::{Changes, ReloadError, ReloadRequest, ReloadRequests, Status, keep_fixed},
    resilience::Resilience,
    responses::{self, KeySeal, ResponseStore},
    server::{Certificate, OpenStreams},
    state::AppState,
    telemetry::{self, feed::RequestFeed, metrics::Metrics, stats::Stats},
    upstream::Upstream,
};

/// State that survives a config reload; each part has `reconfigure`.
#[derive(Debug)]
pub(super) struct Runtime {
    pub(super) config: Arc<Config>,
    pub(super) ledger_store: PersistentLedger,
    pub(super) mesh: Mesh,
    pub(super) quota_sources: QuotaSources,
    pub(super) status: Status,
    pub(super) feed: RequestFeed,
    /// For https.
    pub(super) certificate: Option<Certificate>,
    responses: ResponseStore,
    seal: Arc<KeySeal>,
    resilience: Resilience,
    circuits: Handle,
    metrics: Metrics,
    stats: Stats,
    failures: FailedKeyLimiter,
    streams: OpenStreams,
    upstream: Upstream,
}

/// What a configuration needs and may not get. Nothing has changed yet.
struct Prepared {
    upstream: Upstream,
    opened: Option<OpenedStore>,
    certificate: Option<Certificate>,
}

impl Runtime {
    /// Nothing has happened yet, and nothing runs.
    pub(super) fn new(config: &Config) -> io::Result<Self> {
        let config = Arc::new(config.clone());
        let metrics = Metrics::new(&config);
        let runtime = Self {
            upstream: Upstream::new(&config)?,
            ledger_store: PersistentLedger::open(&config).map_err(io::Error::other)?,
            responses: ResponseStore::new(&config),
            seal: Arc::new(responses::seal(&config).map_err(io::Error::other)?),
            mesh: Mesh::new(&config),
            quota_sources: QuotaSources::default(),
            resilience: Resilience::new(&config),
            circuits: Handle::new(),
            stats: Stats::new(metrics.clone()),
            metrics,
            failures: FailedKeyLimiter::default(),
            streams: OpenStreams::default(),
            certificate: config.tls.as_ref().map(Certificate::load).transpose()?,
            status: Status::new(),
            feed: RequestFeed::new(),
            config,
        };
        runtime.count();
        Ok(runtime)
    }

    /// Registers the gauges of held keys.
    fn count(&self) {
        let (ledger, circuits) = (self.ledger_store.ledger(), self.circuits.clone());
        let limiter = self.resilience.limiter.clone();
        self.metrics.count_keys("budget", move || ledger.len());
        self.metrics.count_keys("circuit_breaker", move || circuits.count());
        self.metrics.count_keys("rate_limit", move || limiter.len());
    }

    /// The handles for stack and API.
    pub(super) fn state(&self) -> AppState {
        AppState {
            config: self.config.clone(),
            ledger: self.ledger_store.ledger(),
            resilience: self.resilience.clone(),
            circuits: self.circuits.clone(),
            quotas: self.quota_sources.quotas(),
            responses: self.responses.store(),
            seal: self.seal.clone(),
            mesh: self.mesh.clone(),
            metrics: self.metrics.clone(),
            stats: self.stats.clone(),
            feed: self.feed.clone(),
            failures: self.failures.clone(),
            streams: self.streams.clone(),
            upstream: self.upstream.clone(),
            reload: self.status.clone(),
        }
    }

    /// Begins to ask what the providers have left.
    pub(super) fn watch(&mut self) {
        self.quota_sources.reconfigure(&self.config, &self.upstream);
    }

    /// Applies reload requests for as long as it is polled. `install` replaces the stack.
    pub(super) async fn follow(&mut self, mut asks: ReloadRequests, install: impl Fn(AppState)) {
        while let Some(ReloadRequest { config, answer }) = asks.recv().await {
            let result = self.reload(*config, &install).await;
            // The caller may have gone.
            let _ = answer.send(result);
        }
        std::future::pending::<()>().await;
    }

    /// All of it, or nothing.
    async fn reload(
        &mut self,
        mut next: Config,
        install: impl Fn(AppState),
    ) -> Result<Changes, ReloadError> {
        let changes = Changes::between(&self.config, &next);
        keep_fixed(&mut next, &self.config);
        next.may_listen_on(next.host).map_err(ReloadError::Exposed)?;
        let next = Arc::new(next);
        let prepared = self.prepare(&next).await?;
        self.commit(next, prepared, install).await;
        self.status.took_up(&changes);
        tracing::info!(changed = %changes, "the configuration was reloaded");
        for setting in &changes.restart_needed {
            tracing::warn!("`{setting}` needs a restart to change");
        }
        Ok(changes)
    }

    /// Everything that may fail, on a thread that may block.
    async fn prepare(&self, next: &Arc<Config>) -> Result<Prepared, ReloadError> {
        let (upstream, config) = (self.upstream.clone(), next.clone());
        let has_to_open = self.ledger_store.has_to_open(next);
        let prepared = spawn_blocking(move || {
            let upstream = upstream.reconfigure(&config).map_err(ReloadError::Upstream)?;
            let certificate = config.tls.as_ref().map(Certificate::load).transpose();
            let certificate = certificate.map_err(ReloadError::Certificate)?;
            let open = || OpenedStore::open(&config.data_dir).map_err(ReloadError::Budgets);
            let opened = has_to_open.then(open).transpose()?;
            Ok(Prepared { upstream, opened, certificate })
        });
        // It did not panic: then it was cut short by the end of the process.
        prepared.await.unwrap_or(Err(ReloadError::Stopped))
    }

    /// Everything that cannot fail.
    async fn commit(&mut self, next: Arc<Config>, prepared: Prepared, install: impl Fn(AppState)) {
        let Prepared { upstream, opened, certificate } = prepared;
        let before = std::mem::replace(&mut self.config, next);
        let config = &self.config;
        self.upstream = upstream;
        self.resilience = self.resilience.reconfigure(config);
        self.responses = self.responses.reconfigure(config);
        self.quota_sources.reconfigure(config, &self.upstream);
        self.ledger_store.reconfigure(config, opened).await;
        self.mesh.reconfigure(config).await;
        if let (Some(used), Some(loaded)) = (&self.certificate, &certificate) {
            used.replace(loaded);
        }
        self.metrics.configure(&self.config);
        self.count();
        install(self.state());
        // Last: until then calls of before could have brought it back.
        self.forget(&before);
        telemetry::set_level(self.config.log_level);
        for warning in &self.config.warnings {
            if !before.warnings.contains(warning) {
                tracing::warn!("{warning}");
            }
        }
    }

    /// What was known of providers that are gone, or are others by now.
    fn forget(&self, before: &Config) {
        let stays = staying(before, &self.config);
        self.quota_sources.quotas().retain(|provider| stays.contains(provider));
        self.resilience.cooldowns.retain(|provider| stays.contains(provider));
        self.resilience.refused.retain(|provider| stays.contains(provider));
        let scope = self.config.models.circuit_scope;
        self.circuits.retain(|key| match (key, scope) {
            (CircuitKey::Target { provider, .. }, Scope::Target)
            | (CircuitKey::Name(provider), Scope::Provider) => stays.contains(&**provider),
            (CircuitKey::Shared, _) => true,
            _ => false,
        });
    }
}

/// The providers that are the same service under the same key as before.
fn staying<'a>(before: &Config, now: &'a Config) -> HashSet<&'a str> {
    let providers = now.models.providers.iter();
    let same = providers.filter(|(name, provider)| {
        before.models.providers.get(*name).is_some_and(|was| was.is_same_service(provider))
    });
    same.map(|(name, _)| name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    #[test]
    fn who_is_the_same_service_stays() {
        let config = |providers: &str| {
            let yaml = format!("models: {{providers: {{{providers}}}}}");
            Config::from_yaml("test.yaml", &yaml, &Env::empty()).unwrap_or_else(|e| panic!("{e}"))
        };
        let before = config(
            "a: {base_url: 'http://a', api_key: k}, b: {base_url: 'http://b', api_key: k}, \
             c: {base_url: 'http://c', api_key: k}, d: {base_url: 'http://d', api_key: k}",
        );
        let now = config(
            "e: {base_url: 'http://a', api_key: k}, b: {base_url: 'http://b', api_key: new}, \
             c: {base_url: 'http://x', api_key: k}, d: {base_url: 'http://d', api_key: k, models: [m]}",
        );
        assert_eq!(staying(&before, &now), HashSet::from(["d"]));
    }
}
