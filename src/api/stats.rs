use crate::telemetry::stats::Stats;
use axum::{Json, extract::State};

use crate::telemetry::stats::Report;

/// What became of the attempts, by provider and model.
#[utoipa::path(
    get, path = "/model-gateway/stats", tag = "gateway",
    responses((status = 200, description = "Since the gateway was started", body = Report)),
)]
pub(super) async fn stats(State(stats): State<Stats>) -> Json<Report> {
    Json(stats.report())
}
