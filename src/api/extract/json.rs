use std::error::Error;

use axum::RequestExt;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError};
use serde::de::DeserializeOwned;
use switchtower_layers::{Code, Rejection};

use super::invalid;
use crate::api::refusal::Refusal;

/// The body, as JSON.
pub(in crate::api) struct Json<T>(pub(in crate::api) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let body = read(admit(request)?).await?;
        let mut json = serde_json::Deserializer::from_slice(&body);
        let value = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| invalid("the body", &error.path().to_string(), error.inner()))?;
        json.end().map_err(|error| invalid("the body", ".", &error))?;
        Ok(Self(value))
    }
}

/// Refuses what can be refused before the body is polled: who waits for `100 Continue` need not send
/// it then.
fn admit(request: Request) -> Result<Body, Rejection> {
    let unsupported = |message| Err(Rejection::new(Code::UnsupportedMediaType, message));
    if !is_json(request.headers()) {
        return unsupported("send JSON, with `content-type: application/json`");
    }
    if !is_plain(request.headers()) {
        return unsupported("send the body without `content-encoding`");
    }
    let announced = request.body().size_hint().lower();
    let body = request.into_limited_body();
    // A limited body promises no more than the limit.
    match body.size_hint().upper() {
        Some(limit) if announced > limit => Err(too_large()),
        _ => Ok(body),
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

fn is_plain(headers: &HeaderMap) -> bool {
    let is_identity = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"identity");
    headers.get_all(CONTENT_ENCODING).iter().all(|value| is_identity(value.as_bytes()))
}

async fn read(body: Body) -> Result<Bytes, Rejection> {
    match body.collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if is_limit(&error) => Err(too_large()),
        Err(error) => {
            let message = format!("the body could not be read: {error}");
            Err(Rejection::new(Code::InvalidRequest, message))
        }
    }
}

fn is_limit(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.any(<dyn Error>::is::<LengthLimitError>)
}

fn too_large() -> Rejection {
    Rejection::new(Code::PayloadTooLarge, "the body is larger than is allowed here")
}
