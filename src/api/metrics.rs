use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header::CONTENT_TYPE;
use std::sync::Arc;
use switchtower_layers::circuit_breaker::Handle;
use switchtower_layers::quota::Quotas;

use crate::{
    config::Config,
    telemetry::metrics::{Gauges, Metrics},
    upstream::Upstream,
};

/// Everything that is counted, for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "gateway",
    responses((status = 200, description = "The text format 0.0.4", body = String,
               content_type = "text/plain; version=0.0.4; charset=utf-8"))
)]
pub(super) async fn scrape(
    State(config): State<Arc<Config>>,
    State(circuits): State<Handle>,
    State(quotas): State<Quotas>,
    State(metrics): State<Metrics>,
    State(upstream): State<Upstream>,
) -> Response {
    let providers = config.models.providers.keys();
    let standing = Gauges {
        circuits: circuits.list(),
        quotas: providers.filter_map(|name| Some((name.clone(), quotas.of(name)?))).collect(),
        connections: upstream.connections(),
    };
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render(&standing))
        .into_response()
}
