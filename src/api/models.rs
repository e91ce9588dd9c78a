use std::{collections::HashSet, sync::Arc};

use axum::{
    Json,
    extract::{Extension, State},
};
use serde::Serialize;
use switchtower_layers::{Code, Rejection, route::ModelAllowlist};
use utoipa::ToSchema;

use super::{extract::Path, refusal::Refusal};
use crate::config::{Config, Models};

/// Which models the client may use, unless it may use all of them.
type Restriction = Option<Extension<ModelAllowlist>>;

/// All configured names that the client may use, those of providers without a key too.
#[utoipa::path(
    get, path = "/v1/models", tag = "models",
    responses((status = 200, description = "The models", body = List)),
)]
pub(super) async fn list(State(config): State<Arc<Config>>, allowed: Restriction) -> Json<List> {
    Json(List { object: "list", data: all(&config.models, allowed.as_deref()) })
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
    allowed: Restriction,
    Path(id): Path<String>,
) -> Result<Json<Model>, Refusal> {
    let models = all(&config.models, allowed.as_deref());
    let unknown = || {
        let message = format!("the model `{id}` is not configured");
        Rejection::new(Code::NotFound, message).param("model")
    };
    Ok(Json(models.into_iter().find(|model| model.id == id).ok_or_else(unknown)?))
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

/// Each name once, under the provider that comes first: real names, then aliases. A client that may
/// use an alias's target may use the alias as well.
fn all(models: &Models, allowed: Option<&ModelAllowlist>) -> Vec<Model> {
    let may = |name: &str| allowed.is_none_or(|allowed| allowed.allows(name));
    let listed = models.providers.iter().flat_map(|(name, provider)| {
        let real = provider.models.iter().map(|model| (model, model));
        real.chain(&provider.aliases).map(move |(model, real)| (model, real, name))
    });
    let owner = |real: &String| {
        let lists = |(_, p): &(&String, &crate::config::Provider)| p.models.contains(real);
        models.providers.iter().find(lists).map(|(name, _)| name)
    };
    let aliased =
        models.model_aliases.iter().filter_map(|(name, real)| Some((name, real, owner(real)?)));
    let mut seen = HashSet::new();
    listed
        .chain(aliased)
        .filter(|(id, real, _)| may(id) && may(real))
        .filter(|(id, ..)| seen.insert(id.as_str()))
        .map(|(id, _, owner)| Model {
            id: id.clone(),
            object: "model",
            created: 0,
            owned_by: owner.clone(),
        })
        .collect()
}
