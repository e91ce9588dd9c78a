use axum::{
    body::Body,
    http::{HeaderValue, Method, Response, Uri, header::ALLOW},
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
pub(super) async fn post_only(method: Method, uri: Uri) -> Response<Body> {
    let mut response = method_not_allowed(method, uri).await;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}
