//! The agent side's endpoints. Each comes with its part of the OpenAPI document.

mod agents;
mod artifacts;
mod events;
mod socket;
mod spaces;
mod tasks;

use utoipa_axum::router::OpenApiRouter;

use super::Shared;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    parts().into_iter().fold(OpenApiRouter::new(), OpenApiRouter::merge)
}

pub(super) fn sockets() -> OpenApiRouter<Shared> {
    events::sockets()
}

pub(super) fn parts() -> [OpenApiRouter<Shared>; 4] {
    [agents::routes(), tasks::routes(), spaces::routes(), events::routes()]
}
