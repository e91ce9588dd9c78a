use crate::reload::Status;
use axum::{Json, extract::State};

use crate::reload::Report;

/// Where the configuration came from, when it was taken up, and what is wrong with the one that was
/// not.
#[utoipa::path(
    get, path = "/model-gateway/config", tag = "gateway",
    responses((status = 200, description = "How it stands", body = Report)),
)]
pub(super) async fn status(State(reload): State<Status>) -> Json<Report> {
    Json(reload.report())
}
