use std::{collections::HashSet, sync::Arc};

use axum::{
    Json,
    extract::{Extension, Path, State},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use switchtower_layers::{Code, Rejection, route::Allowed};

use crate::config::{Config, Models};

/// Which models the client may use, unless it may use all of them.
type Restriction = Option<Extension<Allowed>>;

/// `GET /v1/models`: all configured names that the client may use, those of providers without a
/// key too.
pub(super) async fn list(State(config): State<Arc<Config>>, allowed: Restriction) -> Json<List> {
    Json(List { object: "list", data: all(&config.models, allowed.as_deref()) })
}

/// `GET /v1/models/{id}`.
pub(super) async fn one(
    State(config): State<Arc<Config>>,
    allowed: Restriction,
    Path(id): Path<String>,
) -> Response {
    match all(&config.models, allowed.as_deref()).into_iter().find(|model| model.id == id) {
        Some(model) => Json(model).into_response(),
        None => {
            let message = format!("the model `{id}` is not configured");
            Rejection::new(Code::NotFound, message)
                .param("model")
                .into_response::<axum::body::Body>()
        }
    }
}

#[derive(Serialize)]
pub(super) struct List {
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Serialize)]
pub(super) struct Model {
    id: String,
    object: &'static str,
    /// Unknown here; the field is required by OpenAI's clients.
    created: u64,
    owned_by: String,
}

/// Each name once, under the provider that comes first: real names, then aliases. An alias may be
/// used by whoever may use what it stands for as well.
fn all(models: &Models, allowed: Option<&Allowed>) -> Vec<Model> {
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
