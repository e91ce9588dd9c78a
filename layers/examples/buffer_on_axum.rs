//! `BufferLayer` in an axum app: handlers get a body that is whole, decoded and cheap to clone.

use axum::{Router, body::Body, extract::Request, response::Response, routing::post_service};
use switchtower_layers::{Buffered, buffer::BufferLayer};
use tower::{ServiceBuilder, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let twice = ServiceBuilder::new().layer(BufferLayer::new(1 << 20)).service(service_fn(
        async |request: http::Request<Buffered>| {
            let again = request.body().clone();
            let both = [request.into_body().to_bytes(), again.to_bytes()].concat();
            Ok::<_, std::convert::Infallible>(Response::new(Body::from(both)))
        },
    ));
    let app: Router = Router::new().route_service("/twice", post_service(twice));

    let small = Request::post("/twice").body(Body::from("ping ")).expect("a request");
    let response = app.clone().oneshot(small).await.expect("infallible");
    let body = axum::body::to_bytes(response.into_body(), 100).await.expect("a body");
    println!("200: {}", String::from_utf8_lossy(&body));

    let large = Request::post("/twice").body(Body::from(vec![0; 2 << 20])).expect("a request");
    let response = app.oneshot(large).await.expect("infallible");
    println!("{}: too large", response.status().as_u16());
}
