//! Handles to the gateway's state, shared by data plane and API.

use std::sync::Arc;

use axum::extract::FromRef;
use switchtower_layers::{
    budget::Ledger, circuit_breaker::Handle, quota::Quotas, responses::store::Store,
};

use crate::{
    auth::FailedKeyLimiter,
    budget::Client,
    config::Config,
    mesh::{Mesh, agents::Agents, events::Events, spaces::Spaces, tasks::Tasks},
    reload::Status,
    resilience::Resilience,
    responses::KeySeal,
    server::OpenStreams,
    telemetry::{feed::RequestFeed, metrics::Metrics, stats::Stats},
    upstream::Upstream,
};

/// All handles. API handlers take single ones by [`FromRef`].
#[derive(Clone, Debug)]
pub struct AppState {
    /// The configuration.
    pub config: Arc<Config>,
    /// Usage of the clients' budgets.
    pub ledger: Ledger<Client>,
    /// Rate limits, retry budgets, and cooldowns.
    pub resilience: Resilience,
    /// The circuit breakers' states.
    pub circuits: Handle,
    /// Remaining quota of the providers.
    pub quotas: Quotas,
    /// Stored responses.
    pub responses: Arc<dyn Store>,
    /// Seals reasoning.
    pub seal: Arc<KeySeal>,
    /// The agent side.
    pub mesh: Mesh,
    /// Prometheus metrics.
    pub metrics: Metrics,
    /// Statistics of attempts.
    pub stats: Stats,
    /// Subscribers of `GET /model-gateway/events`.
    pub feed: RequestFeed,
    /// Rate limit of unknown keys.
    pub failures: FailedKeyLimiter,
    /// Open responses per client.
    pub streams: OpenStreams,
    /// The client for the providers.
    pub upstream: Upstream,
    /// Result of the last reload.
    pub reload: Status,
}

macro_rules! handles {
    ($($type:ty => $($field:ident).+),+ $(,)?) => {
        $(impl FromRef<AppState> for $type {
            fn from_ref(state: &AppState) -> Self {
                state.$($field).+.clone()
            }
        })+
    };
}

handles! {
    Arc<Config> => config,
    Ledger<Client> => ledger,
    Handle => circuits,
    Quotas => quotas,
    Mesh => mesh,
    Agents => mesh.agents,
    Events => mesh.events,
    Spaces => mesh.spaces,
    Tasks => mesh.tasks,
    Metrics => metrics,
    Stats => stats,
    RequestFeed => feed,
    Status => reload,
    Upstream => upstream,
}
