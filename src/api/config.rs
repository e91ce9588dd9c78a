use axum::{Json, extract::State};

use super::Shared;
use crate::reload::Report;

/// `GET /model-gateway/config`: where the configuration came from, when it was taken up, and what
/// is wrong with the one that was not.
pub(super) async fn status(State(shared): State<Shared>) -> Json<Report> {
    Json(shared.reload.report())
}
