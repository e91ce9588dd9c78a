use std::{collections::HashSet, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use switchtower_layers::{Code, Rejection};

use crate::config::{Config, Models};

/// `GET /v1/models`: all configured names, those of providers without a key too.
pub(super) async fn list(State(config): State<Arc<Config>>) -> Json<List> {
    Json(List { object: "list", data: all(&config.models) })
}

/// `GET /v1/models/{id}`.
pub(super) async fn one(State(config): State<Arc<Config>>, Path(id): Path<String>) -> Response {
    match all(&config.models).into_iter().find(|model| model.id == id) {
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
