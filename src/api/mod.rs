//! The control plane: everything that is not a call to a model.

mod budgets;
mod errors;
mod health;
mod models;

use std::sync::Arc;

use axum::{
    Router,
    extract::FromRef,
    routing::{any, get},
};
use switchtower_layers::{budget::Ledger, circuit_breaker::Handle};

use crate::{budget::Client, config::Config};

/// What the handlers look at.
#[derive(Clone)]
struct Shared {
    config: Arc<Config>,
    circuits: Handle,
    ledger: Ledger<Client>,
}

impl FromRef<Shared> for Arc<Config> {
    fn from_ref(shared: &Shared) -> Self {
        shared.config.clone()
    }
}

impl FromRef<Shared> for Handle {
    fn from_ref(shared: &Shared) -> Self {
        shared.circuits.clone()
    }
}

impl FromRef<Shared> for Ledger<Client> {
    fn from_ref(shared: &Shared) -> Self {
        shared.ledger.clone()
    }
}

/// The control plane's routes. Unknown paths and methods are answered with the error envelope.
pub fn router(config: Arc<Config>, circuits: Handle, ledger: Ledger<Client>) -> Router {
    let post_only = || any(errors::post_only);
    Router::new()
        .route("/health", get(health::live))
        .route("/model-gateway/health", get(health::providers))
        .route("/model-gateway/budgets", get(budgets::list))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        .route("/v1/chat/completions", post_only())
        .route("/v1/completions", post_only())
        .route("/v1/embeddings", post_only())
        .route("/v1/responses", post_only())
        .fallback(errors::not_found)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(Shared { config, circuits, ledger })
}
