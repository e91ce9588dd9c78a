use axum::{Json, extract::State};

use super::Shared;
use crate::telemetry::stats::Report;

/// What became of the attempts, by provider and model.
#[utoipa::path(
    get, path = "/model-gateway/stats", tag = "gateway",
    responses((status = 200, description = "Since the gateway was started", body = Report)),
)]
pub(super) async fn stats(State(shared): State<Shared>) -> Json<Report> {
    Json(shared.stats.report())
}
