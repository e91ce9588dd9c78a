use utoipa_axum::router::OpenApiRouter;

use crate::api::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
}
