use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderValue, Method, Response, StatusCode, Uri,
        header::{ALLOW, UPGRADE},
    },
};
use switchtower_layers::{Code, Rejection};

pub(super) async fn not_found(method: Method, uri: Uri) -> Response<Body> {
    let message = format!("there is no {method} {}", uri.path());
    Rejection::new(Code::NotFound, message).into_response()
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Response<Body> {
    let message = format!("{} has no {method}", uri.path());
    Rejection::new(Code::MethodNotAllowed, message).into_response()
}

/// A model path that was not asked by POST: those never come here.
pub(super) async fn post_only(method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    if headers.contains_key(UPGRADE) {
        return no_websocket(&uri);
    }
    let mut response = method_not_allowed(method, uri).await;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

/// Clients that would rather have a WebSocket go on over HTTP then (RFC 9110, section 15.5.22).
fn no_websocket(uri: &Uri) -> Response<Body> {
    let message = format!("{} has no WebSocket: send a POST", uri.path());
    let rejection = Rejection::new(Code::InvalidRequest, message);
    let mut response = rejection.status(StatusCode::UPGRADE_REQUIRED).into_response();
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
    response
}
