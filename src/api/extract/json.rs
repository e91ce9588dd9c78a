use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use switchtower_layers::{Code, Rejection};

use super::{body, invalid, object::Object};
use crate::api::refusal::Refusal;

/// The body, as a JSON object.
pub(in crate::api) struct Json<T>(pub(in crate::api) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            let message = "send JSON, with `content-type: application/json`";
            return Err(Rejection::new(Code::UnsupportedMediaType, message).into());
        }
        let body = body::bytes(request).await?;
        let mut json = serde_json::Deserializer::from_slice(&body);
        let Object(value) = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| invalid("the body", &error.path().to_string(), error.inner()))?;
        json.end().map_err(|error| invalid("the body", ".", &error))?;
        Ok(Self(value))
    }
}

/// A page of another origin can send a form unasked, but not JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return true };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    let subtype = kind.strip_prefix("application/");
    subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}
