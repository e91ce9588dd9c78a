use axum::{Json, extract::State};

use super::Shared;
use crate::telemetry::stats::Report;

/// `GET /model-gateway/stats`: what became of the attempts, by provider and model.
pub(super) async fn stats(State(shared): State<Shared>) -> Json<Report> {
    Json(shared.stats.report())
}
