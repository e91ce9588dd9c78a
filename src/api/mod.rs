//! The control plane: everything that is not a call to a model.

mod budgets;
mod errors;
mod extract;
mod health;
mod mesh;
mod models;
mod probe;
mod quota;
mod refusal;
mod stats;

use std::sync::Arc;

use axum::{
    Router,
    extract::FromRef,
    routing::{any, get},
};
use switchtower_layers::{
    budget::Ledger, circuit_breaker::Handle, quota::Quotas, responses::state::Store,
};

use utoipa_axum::router::OpenApiRouter;

use crate::{
    auth::Failures, budget::Client, config::Config, mesh::Mesh, responses::KeySeal,
    server::Streams, telemetry::stats::Stats, upstream::Upstream,
};

/// What the control plane shows, all of it shared with the data plane.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The configuration.
    pub config: Arc<Config>,
    /// What the clients have used.
    pub ledger: Ledger<Client>,
    /// The circuit breakers' states.
    pub circuits: Handle,
    /// What the providers have left.
    pub quotas: Quotas,
    /// The responses that clients may come back to.
    pub responses: Arc<dyn Store>,
    /// What seals reasoning.
    pub seal: Arc<KeySeal>,
    /// The agent side.
    pub mesh: Mesh,
    /// What became of the attempts.
    pub stats: Stats,
    /// The unknown keys that came.
    pub failures: Failures,
    /// The answers that are open.
    pub streams: Streams,
    /// The way to the providers.
    pub upstream: Upstream,
}

impl FromRef<Shared> for Arc<Config> {
    fn from_ref(shared: &Shared) -> Self {
        shared.config.clone()
    }
}

/// The control plane's routes. Unknown paths and methods are answered with the error envelope.
pub fn router(shared: Shared) -> Router {
    let post_only = || any(errors::post_only);
    let (documented, _document) = OpenApiRouter::new().merge(mesh::routes()).split_for_parts();
    documented
        .route("/health", get(health::live))
        .route("/model-gateway/health", get(health::providers))
        .route("/model-gateway/health/all", get(probe::all))
        .route("/model-gateway/health/{provider}", get(probe::one))
        .route("/model-gateway/stats", get(stats::stats))
        .route("/model-gateway/quota", get(quota::list))
        .route("/model-gateway/budgets", get(budgets::list))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        .route("/v1/chat/completions", post_only())
        .route("/v1/completions", post_only())
        .route("/v1/embeddings", post_only())
        .route("/v1/responses", post_only())
        .fallback(errors::not_found)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(shared)
}
