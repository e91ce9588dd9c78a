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
    OpenApiRouter::new()
        .merge(agents::routes())
        .merge(tasks::routes())
        .merge(spaces::routes())
        .merge(events::routes())
}
