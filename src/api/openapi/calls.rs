//! The data plane, briefly. Nothing here is called: such requests never come to the control plane.
//! What a provider refuses is passed on as it came, so any status is possible, and any JSON.

#![allow(dead_code, reason = "only their annotations are used")]

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What a provider takes; nothing of it is dropped.
#[derive(Serialize, ToSchema)]
pub(super) struct OpenApiCall {
    /// A configured model; `default_model` if it is left out.
    #[schema(min_length = 1)]
    model: Option<String>,
    /// Whether the answer is an event stream.
    stream: Option<bool>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// What a provider says.
#[derive(Serialize, ToSchema)]
pub(super) struct Answer(Map<String, Value>);

/// A response.
#[derive(Serialize, ToSchema)]
#[schema(as = Response)]
pub(super) struct ResponseObject {
    id: String,
    #[schema(pattern = "^response$")]
    object: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Chat Completions.
#[utoipa::path(
    post, path = "/v1/chat/completions", tag = "models",
    request_body(content = OpenApiCall, example = json!({"model": "demo", "messages": [{"role": "user", "content": "Hi"}]})),
    responses(
        (status = 200, description = "The answer", content((Answer = "application/json"), (String = "text/event-stream"))),
        (status = "default", description = "The gateway's error, or the provider's", body = Answer),
    ),
)]
pub(super) fn chat() {}

/// Completions, the older API.
#[utoipa::path(
    post, path = "/v1/completions", tag = "models",
    request_body(content = OpenApiCall, example = json!({"model": "demo", "prompt": "Once"})),
    responses(
        (status = 200, description = "The answer", content((Answer = "application/json"), (String = "text/event-stream"))),
        (status = "default", description = "The gateway's error, or the provider's", body = Answer),
    ),
)]
pub(super) fn completions() {}

/// Embeddings.
#[utoipa::path(
    post, path = "/v1/embeddings", tag = "models",
    request_body(content = OpenApiCall, example = json!({"model": "demo", "input": "A text"})),
    responses(
        (status = 200, description = "The answer", body = Answer),
        (status = "default", description = "The gateway's error, or the provider's", body = Answer),
    ),
)]
pub(super) fn embeddings() {}

/// Responses, for providers that have only Chat Completions, too.
#[utoipa::path(
    post, path = "/v1/responses", tag = "models",
    request_body(content = OpenApiCall, example = json!({"model": "demo", "input": "Hi"})),
    responses(
        (status = 200, description = "The answer", content((ResponseObject = "application/json"), (String = "text/event-stream"))),
        (status = "default", description = "The gateway's error, or the provider's", body = Answer),
    ),
)]
pub(super) fn responses() {}

/// A response that was stored, as it was delivered.
#[utoipa::path(
    get, path = "/v1/responses/{id}", tag = "models", params(("id" = String, Path, pattern = "^[A-Za-z0-9_-]+$", description = "The response's id")),
    responses(
        (status = 200, description = "The response", body = ResponseObject),
        (status = 404, description = "There is none of that id"),
        (status = 429, description = "Too many requests for now"),
        (status = 500, description = "What is stored cannot be read"),
    ),
)]
pub(super) fn stored() {}

/// Forgets a stored response.
#[utoipa::path(
    delete, path = "/v1/responses/{id}", tag = "models", params(("id" = String, Path, pattern = "^[A-Za-z0-9_-]+$", description = "The response's id")),
    responses(
        (status = 200, description = "It is gone", body = Deleted),
        (status = 404, description = "There is none of that id"),
        (status = 429, description = "Too many requests for now"),
        (status = 500, description = "What is stored cannot be read"),
    ),
)]
pub(super) fn delete_stored() {}

/// What a stored response answers, item by item.
#[utoipa::path(
    get, path = "/v1/responses/{id}/input_items", tag = "models",
    params(
        ("id" = String, Path, pattern = "^[A-Za-z0-9_-]+$", description = "The response's id"),
        ("order" = inline(Option<Order>), Query, description = "`desc` if it is left out"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "20 if it is left out"),
        ("after" = Option<String>, Query, description = "The id of the last item that was seen"),
    ),
    responses(
        (status = 200, description = "The items", body = Answer),
        (status = 404, description = "There is no response of that id"),
        (status = 429, description = "Too many requests for now"),
        (status = 500, description = "What is stored cannot be read"),
    ),
)]
pub(super) fn input_items() {}

/// There is nothing to cancel in what is stored: it is finished.
#[utoipa::path(
    post, path = "/v1/responses/{id}/cancel", tag = "models", params(("id" = String, Path, pattern = "^[A-Za-z0-9_-]+$", description = "The response's id")),
    responses(
        (status = 400, description = "There is nothing to cancel"),
        (status = 404, description = "There is no response of that id"),
        (status = 429, description = "Too many requests for now"),
        (status = 500, description = "What is stored cannot be read"),
    ),
)]
pub(super) fn cancel_stored() {}

/// The way through a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Order {
    Asc,
    Desc,
}

/// What is gone.
#[derive(Serialize, ToSchema)]
pub(super) struct Deleted {
    id: String,
    #[schema(pattern = "^response$")]
    object: String,
    deleted: bool,
}
