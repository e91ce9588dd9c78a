//! An axum app that serves Chat Completions serves the Responses API, too, by one layer.

use axum::{
    Json, Router,
    body::Body,
    response::{IntoResponse, Response},
    routing::post,
};
use http::{Request, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use switchtower_layers::{BoxError, responses::ResponsesLayer};
use tower::{Layer, ServiceExt};

/// All there was: a chat model that calls the first tool it has, plain or streamed.
async fn complete(Json(request): Json<Value>) -> Response {
    let name = &request["tools"][0]["function"]["name"];
    let function = json!({"name": name, "arguments": r#"{"input":"*** Begin Patch"}"#});
    let call = json!({"index": 0, "id": "call_1", "type": "function", "function": function});
    let message = json!({"role": "assistant", "tool_calls": [call]});
    if request["stream"] != true {
        let choice = json!({"message": message, "finish_reason": "tool_calls"});
        return Json(json!({"model": "demo", "choices": [choice]})).into_response();
    }
    let chunk = json!({"model": "demo", "choices": [{"delta": message}]});
    let end = json!({"model": "demo", "choices": [{"delta": {}, "finish_reason": "tool_calls"}]});
    let events = format!("data: {chunk}\n\ndata: {end}\n\ndata: [DONE]\n\n");
    ([(CONTENT_TYPE, "text/event-stream")], events).into_response()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let app = Router::<()>::new().route("/v1/chat/completions", post(complete));
    let app = ResponsesLayer::new().layer(app);

    for stream in [false, true] {
        let tool = json!({"type": "custom", "name": "apply_patch"});
        let ask = json!({"model": "m", "input": "Mend it.", "tools": [tool], "stream": stream});
        let request = Request::post("/v1/responses").body(Body::from(ask.to_string()))?;
        let body = app.clone().oneshot(request).await?.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        if stream {
            text.lines().filter(|line| line.starts_with("event: ")).for_each(|l| println!("{l}"));
        } else {
            let response: Value = serde_json::from_slice(&body)?;
            let call = &response["output"][0];
            println!("{} {} {}", call["type"], call["name"], call["input"]);
        }
    }
    Ok(())
}
