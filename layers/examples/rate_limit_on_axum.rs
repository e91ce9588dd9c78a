//! `RateLimitLayer` in an axum app: two requests per minute for each API key.

use axum::{Router, body::Body, extract::Request, http::HeaderName, routing::get};
use switchtower_layers::rate_limit::{ByHeader, Limit, Limiter, RateLimitLayer};
use tower::ServiceExt;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let app: Router = Router::new().route("/", get(async || "hello"));

    let limiter = Limiter::new(Limit::per_minute(2));
    let by_key = ByHeader::new(HeaderName::from_static("x-api-key"));
    let app = app.layer(RateLimitLayer::new(limiter.clone(), by_key));

    for key in ["a", "a", "a", "b"] {
        let request = Request::get("/").header("x-api-key", key).body(Body::empty());
        let response = app.clone().oneshot(request.expect("a request")).await.expect("infallible");
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        println!(
            "{key}: {}, {} left, retry after {}",
            response.status().as_u16(),
            header("x-ratelimit-remaining-requests").unwrap_or("?"),
            header("retry-after").unwrap_or("-"),
        );
    }
    println!("{} keys are held", limiter.len());
}
