//! `RouteLayer` in an axum app: the model in the body decides which of two services answers.

use std::convert::Infallible;

use axum::{Router, body::Body, extract::Request, response::Response, routing::post_service};
use switchtower_layers::{
    Buffered, Target,
    buffer::BufferLayer,
    route::{Provider, RouteLayer, RoutingTable},
};
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// Replaces the clients of real providers: it answers with the target that was called.
async fn providers(request: http::Request<Buffered>) -> Result<Response, Infallible> {
    let target = request.extensions().get::<Target>().expect("the route layer sets it");
    let answer = format!("{target} got {}", String::from_utf8_lossy(&request.body().to_bytes()));
    Ok(Response::new(Body::from(answer)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let table = RoutingTable::builder()
        .provider(Provider::new("deepseek").models(["deepseek-chat"]))
        .provider(Provider::new("ollama").alias("gpt-5.1", "qwen3:14b"))
        .route("gpt-", ["ollama"])
        .build()
        .expect("the providers are there");
    let models = ServiceBuilder::new()
        .layer(BufferLayer::new(64 << 20))
        .layer(RouteLayer::new(table))
        .service(service_fn(providers));
    let app: Router = Router::new().route_service("/v1/chat/completions", post_service(models));

    for model in ["deepseek-chat", "gpt-5.1", "ollama/gemma3"] {
        let body = Body::from(format!(r#"{{"model":"{model}","messages":[]}}"#));
        let request = Request::post("/v1/chat/completions").body(body).expect("a request");
        let response = app.clone().oneshot(request).await.expect("infallible");
        let body = axum::body::to_bytes(response.into_body(), 1000).await.expect("a body");
        println!("{model}: {}", String::from_utf8_lossy(&body));
    }
}
