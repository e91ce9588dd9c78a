use std::error::Error;

use axum::RequestExt;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use http_body_util::{BodyExt, LengthLimitError};
use switchtower_layers::{Code, Rejection};

/// The body as it came, up to the route's limit.
pub(in crate::api) async fn bytes(request: Request) -> Result<Bytes, Rejection> {
    read(admit(request)?).await
}

/// Rejects what can be rejected before the body is polled: a client that waits for `100 Continue`
/// need not send it then.
fn admit(request: Request) -> Result<Body, Rejection> {
    if !is_plain(request.headers()) {
        let message = "send the body without `content-encoding`";
        return Err(Rejection::new(Code::UnsupportedMediaType, message));
    }
    let announced = request.body().size_hint().lower();
    let body = request.into_limited_body();
    // A limited body promises no more than the limit.
    match body.size_hint().upper() {
        Some(limit) if announced > limit => Err(too_large()),
        _ => Ok(body),
    }
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
