//! The agent side's endpoints. Each comes with its part of the OpenAPI document.

mod agents;
mod artifacts;
mod events;
mod socket;
mod spaces;
mod tasks;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    parts().into_iter().fold(OpenApiRouter::new(), OpenApiRouter::merge)
}

pub(super) fn sockets() -> OpenApiRouter<AppState> {
    events::sockets()
}

pub(super) fn parts() -> [OpenApiRouter<AppState>; 4] {
    [agents::routes(), tasks::routes(), spaces::routes(), events::routes()]
}
