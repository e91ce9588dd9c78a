//! The control plane: everything that is not a call to a model.

mod errors;
mod health;
mod models;

use std::sync::Arc;

use axum::{
    Router,
    routing::{any, get},
};

use crate::config::Config;

/// The control plane's routes. Unknown paths and methods are answered with the error envelope.
pub fn router(config: Arc<Config>) -> Router {
    let post_only = || any(errors::post_only);
    Router::new()
        .route("/health", get(health::live))
        .route("/model-gateway/health", get(health::providers))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        .route("/v1/chat/completions", post_only())
        .route("/v1/completions", post_only())
        .route("/v1/embeddings", post_only())
        .route("/v1/responses", post_only())
        .fallback(errors::not_found)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(config)
}
