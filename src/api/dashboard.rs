use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
            REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    routing::get,
};
use switchtower_layers::{Code, Rejection};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{extract::Path, refusal::Refusal};
use crate::dashboard::File;
use crate::state::AppState;

const HEADERS: [(HeaderName, &str); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-cache"),
];

/// The dashboard's files.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    // With a slash it is the same page.
    OpenApiRouter::new().routes(routes!(page)).routes(routes!(file)).route("/dashboard/", get(page))
}

/// The dashboard, for a browser.
#[utoipa::path(
    get, path = "/dashboard", tag = "gateway",
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 304, description = "It is the one that is known"),
    ),
)]
async fn page(headers: HeaderMap) -> Result<Response<Body>, Refusal> {
    answer("", &headers)
}

/// A style or a script of the dashboard.
#[utoipa::path(
    get, path = "/dashboard/{file}", tag = "gateway",
    params(("file" = String, Path, description = "Its name", min_length = 1)),
    responses(
        (status = 200, description = "The file",
         content((String = "text/javascript"), (String = "text/css"))),
        (status = 304, description = "It is the one that is known"),
        (status = 404, description = "There is none of this name"),
    ),
)]
async fn file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response<Body>, Refusal> {
    answer(&name, &headers)
}

fn answer(name: &str, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
    let Some(file) = File::find(name) else {
        let message = format!("the dashboard has no file `{name}`");
        return Err(Rejection::new(Code::NotFound, message).into());
    };
    let is_known = is_known(headers, &file.etag);
    let mut response = Response::new(Body::from(if is_known { "" } else { file.text }));
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().insert(ETAG, file.etag.clone());
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let content_type = HeaderValue::from_static(file.content_type());
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    Ok(response)
}

/// RFC 9110, section 13.1.2: compared weakly.
fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter();
    let tags = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    tags.map(<[u8]>::trim_ascii)
        .map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag))
        .any(|tag| tag == etag.as_bytes() || tag == b"*")
}
