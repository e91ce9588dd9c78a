//! `GET /openapi.json`: all that can be asked of this gateway.
//!
//! What the control plane has comes from its handlers, each of which is annotated. What answers
//! calls to models is no handler; [`calls`] describes it. [`complete`] adds what holds everywhere.

mod calls;
mod complete;
mod envelope;

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, header::CONTENT_TYPE};
use utoipa::OpenApi;

/// The document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "gateway",
    responses((status = 200, description = "This document", body = inline(serde_json::Map<String, serde_json::Value>))),
)]
pub(super) async fn document() -> ([(HeaderName, HeaderValue); 1], Bytes) {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
        let document = super::routes().into_openapi();
        // Maps with names for keys, and what they hold: always JSON.
        let mut document = serde_json::to_value(document).unwrap_or_default();
        complete::complete(&mut document);
        document.to_string().into()
    });
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], DOCUMENT.clone())
}

/// What the handlers do not say.
pub(super) fn base() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(
        info(
            title = "Switchtower",
            description = "A gateway for language-model traffic, and for agents on this machine.\n\n\
                Requests need a loopback `Host`, and from a web page the gateway's own `Origin`. \
                All times are milliseconds since the Unix epoch.",
            license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        ),
        tags(
            (name = "models", description = "Calls to models, as OpenAI's API has them. A POST to any other path below `/v1` goes to a provider as it is."),
            (name = "gateway", description = "How the gateway and its providers are."),
            (name = "agents", description = "Who can be given tasks."),
            (name = "tasks", description = "What agents are given to do."),
            (name = "spaces", description = "What tasks have in common."),
            (name = "events", description = "What happens on the agent side."),
        ),
        components(schemas(envelope::ErrorEnvelope, crate::mesh::events::Event, crate::telemetry::feed::Event)),
        paths(
            calls::chat,
            calls::completions,
            calls::embeddings,
            calls::responses,
            calls::stored,
            calls::delete_stored,
            calls::input_items,
            calls::cancel_stored,
        ),
    )]
    struct Base;
    Base::openapi()
}

#[cfg(test)]
mod tests;
