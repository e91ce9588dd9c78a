//! `StoreLayer` around an axum app that answers `/v1/responses` and knows nothing of what is stored.

use axum::{Json, Router, body::Body, routing::post};
use http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use switchtower_layers::{
    BoxError,
    buffer::BufferLayer,
    responses::store::{MemoryStore, StoreLayer},
};
use tower::{ServiceBuilder, ServiceExt};

/// Says how many items it was sent.
async fn respond(Json(request): Json<Value>) -> Json<Value> {
    let items = request["input"].as_array().map_or(1, Vec::len);
    let text =
        json!([{"type": "output_text", "text": format!("{items} items"), "annotations": []}]);
    let message = json!({"type": "message", "id": "msg_1", "role": "assistant", "content": text});
    Json(json!({"id": format!("resp_{items}"), "status": "completed", "output": [message]}))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let app = ServiceBuilder::new()
        .layer(BufferLayer::new(1 << 20))
        .layer(StoreLayer::new(MemoryStore::default()))
        .service(Router::<()>::new().route("/v1/responses", post(respond)));

    for (method, path, body) in [
        (Method::POST, "", json!({"input": "Which track?"})),
        (Method::POST, "", json!({"input": "And then?", "previous_response_id": "resp_1"})),
        (Method::POST, "", json!({"input": "And then?", "previous_response_id": "resp_3"})),
        (Method::GET, "/resp_3/input_items?order=asc", Value::Null),
        (Method::DELETE, "/resp_3", Value::Null),
        (Method::POST, "", json!({"input": "And then?", "previous_response_id": "resp_3"})),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(format!("/v1/responses{path}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))?;
        let response = app.clone().oneshot(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(axum::Error::new)?.to_bytes();
        println!("{status}: {}", String::from_utf8_lossy(&body));
    }
    Ok(())
}
