//! The control plane: everything that is not a call to a model.

mod budgets;
mod config;
mod dashboard;
mod errors;
mod extract;
mod health;
mod live;
mod mesh;
mod metrics;
mod models;
mod openapi;
mod probe;
mod quota;
mod refusal;
mod sse;
mod stats;

use std::sync::Arc;

use axum::{
    Router,
    extract::FromRef,
    http::{Request, Uri, uri::PathAndQuery},
    routing::any,
};
use switchtower_layers::{
    budget::Ledger, circuit_breaker::Handle, quota::Quotas, responses::store::Store,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    auth::FailedKeyLimiter,
    budget::Client,
    config::Config,
    mesh::Mesh,
    reload::Status,
    resilience::Resilience,
    responses::KeySeal,
    server::OpenStreams,
    telemetry::{feed::RequestFeed, metrics::Metrics, stats::Stats},
    upstream::Upstream,
};

/// What the control plane shows, all of it shared with the data plane.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The configuration.
    pub config: Arc<Config>,
    /// What the clients have used.
    pub ledger: Ledger<Client>,
    /// Rate limits, retry budgets, and cooldowns.
    pub resilience: Resilience,
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
    /// What is counted for Prometheus.
    pub metrics: Metrics,
    /// What became of the attempts.
    pub stats: Stats,
    /// Subscribers of `GET /model-gateway/events`.
    pub live: RequestFeed,
    /// The unknown keys that came.
    pub failures: FailedKeyLimiter,
    /// The answers that are open.
    pub streams: OpenStreams,
    /// The way to the providers.
    pub upstream: Upstream,
    /// What became of the configuration.
    pub reload: Status,
}

impl FromRef<Shared> for Arc<Config> {
    fn from_ref(shared: &Shared) -> Self {
        shared.config.clone()
    }
}

/// The control plane's routes. Unknown paths and methods are answered with the error envelope.
pub fn router(shared: Shared) -> Router {
    Router::from(routes())
        .fallback(errors::not_found)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(shared)
}

/// What is served at `wsPort`: the WebSocket, and no other path.
pub fn sockets(shared: Shared) -> Router {
    Router::from(mesh::sockets())
        .fallback(errors::not_found)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(shared)
}

/// At `wsPort` the WebSocket is at `/`, too. From here on it goes by its usual name, by which keys and
/// origins are checked.
pub fn name_socket<B>(mut request: Request<B>) -> Request<B> {
    if request.uri().path() == "/" {
        let mut parts = request.uri().clone().into_parts();
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(path) = PathAndQuery::try_from(format!("/ws{query}")) {
            parts.path_and_query = Some(path);
        }
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// All of them, with what the OpenAPI document says of them.
fn routes() -> OpenApiRouter<Shared> {
    gateway().merge(mesh::routes()).merge(dashboard::routes())
}

fn gateway() -> OpenApiRouter<Shared> {
    let post_only = || any(errors::post_only);
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(openapi::document))
        .routes(routes!(health::live))
        .routes(routes!(metrics::scrape))
        .routes(routes!(health::providers))
        .routes(routes!(probe::all))
        .routes(routes!(probe::one))
        .routes(routes!(config::status))
        .routes(routes!(stats::stats))
        .routes(routes!(live::stream))
        .routes(routes!(quota::list))
        .routes(routes!(budgets::list))
        .routes(routes!(models::list))
        .routes(routes!(models::one))
        .route("/v1/chat/completions", post_only())
        .route("/v1/completions", post_only())
        .route("/v1/embeddings", post_only())
        .route("/v1/responses", post_only())
}
