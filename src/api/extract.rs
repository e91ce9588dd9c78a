//! What handlers take out of a request. What is wrong with it is said in the error envelope, with the
//! field's name.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use switchtower_layers::{Code, Rejection};

use super::refusal::Refusal;

/// The body, as JSON.
pub(super) struct Json<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        // A page of another origin can send a form unasked, but not JSON.
        if !is_json(request.headers()) {
            let message = "send JSON, with `content-type: application/json`";
            return Err(Rejection::new(Code::UnsupportedMediaType, message).into());
        }
        let body = Bytes::from_request(request, state).await.map_err(|error| unread(&error))?;
        let mut json = serde_json::Deserializer::from_slice(&body);
        let value = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| invalid(&error.path().to_string(), error.inner()))?;
        json.end().map_err(|error| invalid(".", &error))?;
        Ok(Self(value))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return true };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let (kind, suffix) = (kind.to_ascii_lowercase(), "+json");
    kind == "application/json" || kind.ends_with(suffix)
}

pub(super) fn unread(error: &BytesRejection) -> Refusal {
    let code = match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
        _ => Code::InvalidRequest,
    };
    Rejection::new(code, error.body_text()).into()
}

/// `path` is serde's: `.` at the top.
fn invalid(path: &str, error: &dyn std::fmt::Display) -> Refusal {
    let rejection = match path {
        "." | "?" => Rejection::new(Code::InvalidRequest, format!("the body is wrong: {error}")),
        path => Rejection::new(Code::InvalidRequest, format!("`{path}` is wrong: {error}"))
            .param(path.to_owned()),
    };
    rejection.into()
}

/// The query.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(error) => Err(Rejection::new(Code::InvalidRequest, error.body_text()).into()),
        }
    }
}

/// What the path names.
pub(super) struct Path<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(path)) => Ok(Self(path)),
            Err(error) => Err(Rejection::new(Code::InvalidRequest, error.body_text()).into()),
        }
    }
}
