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

use axum::{
    Router,
    http::{Request, Uri, uri::PathAndQuery},
    routing::any,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::state::AppState;

/// The control plane's routes. Unknown paths and methods are answered with the error envelope.
pub fn router(state: AppState) -> Router {
    Router::from(routes())
        .fallback(errors::not_found)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(state)
}

/// The routes of `wsPort`: the WebSocket, and no other path.
pub fn sockets(state: AppState) -> Router {
    Router::from(mesh::sockets())
        .fallback(errors::not_found)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(state)
}

/// Rewrites `/` to `/ws` at `wsPort`. From here on it goes by its usual name, by which keys and
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
fn routes() -> OpenApiRouter<AppState> {
    gateway().merge(mesh::routes()).merge(dashboard::routes())
}

fn gateway() -> OpenApiRouter<AppState> {
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
