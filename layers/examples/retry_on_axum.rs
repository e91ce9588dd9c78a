//! `RetryLayer` in an axum app: a provider that is busy is asked again, one that is out of credit
//! is not.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request, response::Response, routing::post_service};
use switchtower_layers::{
    Buffered,
    buffer::BufferLayer,
    retry::{Attempts, RetryLayer, Settings},
};
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// Replaces the client of a real provider.
async fn provider(request: http::Request<Buffered>) -> Result<Response, http::Error> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    if request.body().to_bytes() == "an expensive prompt" {
        let error = r#"{"error":{"code":"insufficient_quota"}}"#;
        return Response::builder().status(429).body(Body::from(error));
    }
    let busy = CALLS.fetch_add(1, Ordering::Relaxed) < 2;
    Response::builder().status(if busy { 503 } else { 200 }).body(Body::empty())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let settings = Settings { base_delay: Duration::from_millis(10), ..Settings::default() };
    let models = ServiceBuilder::new()
        .layer(BufferLayer::new(64 << 20)) // a body that can be sent again
        .layer(RetryLayer::new(settings))
        .service(service_fn(async |request| Ok(provider(request).await.expect("a response"))));
    let app: Router = Router::new().route_service("/v1/chat/completions", post_service(models));

    for (name, prompt) in [("busy twice", "a prompt"), ("out of credit", "an expensive prompt")] {
        let request = Request::post("/v1/chat/completions").body(Body::from(prompt));
        let response = app.clone().oneshot(request.expect("a request")).await.expect("infallible");
        let (status, Attempts(attempts)) = (response.status().as_u16(), Attempts::of(&response));
        let plural = if attempts == 1 { "" } else { "s" };
        println!("{name}: {status} after {attempts} attempt{plural}");
    }
}
