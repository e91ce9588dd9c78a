//! The whole data plane inside an axum app of one's own, beside its other routes.

use std::net::Ipv4Addr;

use axum::{
    Router,
    routing::{get, post_service},
};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use switchtower::{
    app::routing_table,
    config::{Config, Env},
    upstream::Upstream,
};
use switchtower_layers::{BoxError, buffer::BufferLayer, observe::ObserveLayer, route::RouteLayer};
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let provider = switchtower::demo::start().await?;
    let yaml = format!(
        "models: {{providers: {{demo: {{base_url: \"{}\", api_key: any, models: [demo]}}}}}}",
        provider.base_url()
    );
    let config = Config::from_yaml("example", &yaml, &Env::empty())?;

    let models = ServiceBuilder::new()
        .layer(BufferLayer::new(64 << 20))
        .layer(RouteLayer::new(routing_table(&config)))
        .layer(ObserveLayer::new())
        .service(Upstream::new(&config)?);
    let app: Router = Router::new()
        .route("/", get(async || "my own app"))
        .route_service("/v1/chat/completions", post_service(models));
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });

    let client = Client::builder(TokioExecutor::new()).build_http::<Full<bytes::Bytes>>();
    let ask = r#"{"model":"demo","stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
    let request = Request::post(format!("http://{address}/v1/chat/completions"))
        .header("content-type", "application/json")
        .body(Full::from(ask))?;
    let response = client.request(request).await?;
    println!("answered by {:?}", response.headers()["x-switchtower-provider"]);
    let body = response.into_body().collect().await?.to_bytes();
    println!("{}", String::from_utf8_lossy(&body));
    Ok(())
}
