use std::{collections::HashSet, sync::Arc};

use axum::{Json, extract::State};
use serde::Serialize;
use switchtower_layers::{Code, Rejection};
use utoipa::ToSchema;

use super::{extract::Path, refusal::Refusal};
use crate::config::{Config, Models};

/// All configured names, those of providers without a key too.
#[utoipa::path(
    get, path = "/v1/models", tag = "models",
    responses((status = 200, description = "The models", body = List)),
)]
pub(super) async fn list(State(config): State<Arc<Config>>) -> Json<List> {
    Json(List { object: "list", data: all(&config.models) })
}

/// One of them. Slashes in its name may be escaped.
#[utoipa::path(
    get, path = "/v1/models/{*id}", tag = "models",
    params(("*id" = String, Path, description = "The model's name", min_length = 1)),
    responses(
        (status = 200, description = "The model", body = Model),
        (status = 404, description = "It is not configured"),
    ),
)]
pub(super) async fn one(
    State(config): State<Arc<Config>>,
    Path(id): Path<String>,
) -> Result<Json<Model>, Refusal> {
    let model = all(&config.models).into_iter().find(|model| model.id == id);
    let unknown = || {
        let message = format!("the model `{id}` is not configured");
        Rejection::new(Code::NotFound, message).param("model")
    };
    Ok(Json(model.ok_or_else(unknown)?))
}

#[derive(Serialize, ToSchema)]
#[schema(as = ModelList)]
pub(super) struct List {
    #[schema(pattern = "^list$")]
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Model {
    id: String,
    #[schema(pattern = "^model$")]
    object: &'static str,
    /// Unknown here; the field is required by OpenAI's clients.
    created: u64,
    owned_by: String,
}

/// Each name once, under the provider that comes first: real names, then aliases.
fn all(models: &Models) -> Vec<Model> {
    let listed = models.providers.iter().flat_map(|(name, provider)| {
        provider.models.iter().chain(provider.aliases.keys()).map(move |model| (model, name))
    });
    let owner = |real: &String| {
        let lists = |(_, p): &(&String, &crate::config::Provider)| p.models.contains(real);
        models.providers.iter().find(lists).map(|(name, _)| name)
    };
    let aliased = models.model_aliases.iter().filter_map(|(name, real)| Some((name, owner(real)?)));
    let mut seen = HashSet::new();
    listed
        .chain(aliased)
        .filter(|(id, _)| seen.insert(id.as_str()))
        .map(|(id, owner)| Model {
            id: id.clone(),
            object: "model",
            created: 0,
            owned_by: owner.clone(),
        })
        .collect()
}
