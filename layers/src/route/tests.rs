use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use static_assertions::assert_impl_all;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::{Buffered, Code, Rejected, Target, contract};

assert_impl_all!(RouteLayer: Send, Sync, Clone);
assert_impl_all!(Route<()>: Send, Sync, Clone);

fn layer() -> RouteLayer {
    let table = RoutingTable::builder()
        .provider(Provider::new("first").models(["real"]))
        .provider(Provider::new("second").alias("short", "long"))
        .provider(Provider::new("keyless").unavailable("KEY is not set"))
        .alias("nick", "real");
    RouteLayer::new(table.build().unwrap())
}

/// Sends a body through; the inner service answers with the body it got.
async fn send(
    layer: RouteLayer,
    body: &'static str,
) -> Response<impl http_body::Body<Data = Bytes, Error: std::fmt::Debug>> {
    send_to("/", layer, body).await
}

async fn send_to(
    path: &str,
    layer: RouteLayer,
    body: &'static str,
) -> Response<impl http_body::Body<Data = Bytes, Error: std::fmt::Debug>> {
    let echo = service_fn(async |request: Request<Buffered>| {
        assert!(request.extensions().get::<Target>().is_some());
        let body = match request.uri().path() {
            "/" => request.into_body().to_bytes(),
            _ => Bytes::from_static(br#"{"choices":[{}]}"#),
        };
        Ok::<_, Infallible>(Response::new(Full::new(body)))
    });
    layer.layer(echo).oneshot(Request::post(path).body(body.into()).unwrap()).await.unwrap()
}

async fn text<B>(response: Response<B>) -> String
where
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

#[tokio::test]
async fn the_first_target_gets_its_own_name_for_the_model() {
    let response = send(layer(), r#"{"model": "short", "x": 1.0}"#).await;
    assert_eq!(response.headers()["x-switchtower-provider"], "second");
    assert_eq!(response.headers()["x-switchtower-model"], "long");
    assert_eq!(response.headers()["x-switchtower-attempts"], "1");
    assert_eq!(&*response.extensions().get::<Target>().unwrap().model, "long");
    assert_eq!(text(response).await, r#"{"model": "long", "x": 1.0}"#);
}

#[tokio::test]
async fn a_missing_model_is_the_default_or_an_error() {
    let response = send(layer(), "{}").await;
    assert_eq!(response.status(), 400);
    let error: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(error["error"]["param"], "model");

    let table = RoutingTable::builder().provider(Provider::new("p")).default_model("m");
    let layer = RouteLayer::new(table.build().unwrap());
    for path in ["/v1/chat/completions", "/v1/responses"] {
        let response = send_to(path, layer.clone(), "{}").await;
        assert!(response.status().is_success(), "{path}");
    }
    let response = send_to("/v1/organization/keys", layer, "{}").await;
    assert_eq!(response.status(), 400, "what is no call to a model goes nowhere");
}

#[tokio::test]
async fn what_cannot_be_read_is_400() {
    for body in ["", "[]", "{", r#"{"model":1}"#] {
        let response = send(layer(), body).await;
        assert_eq!(response.status(), 400, "{body}");
        assert_eq!(response.extensions().get::<Rejected>().unwrap().code, Code::InvalidRequest);
    }
}

#[tokio::test]
async fn no_usable_provider_is_503_with_the_reasons() {
    let response = send(layer(), r#"{"model":"keyless/m"}"#).await;
    assert_eq!(response.status(), 503);
    let text = text(response).await;
    assert!(text.contains("NO_PROVIDER") && text.contains("keyless: KEY is not set"), "{text}");
    let empty = RouteLayer::new(RoutingTable::default());
    assert_eq!(send(empty, r#"{"model":"m"}"#).await.status(), 503);
}

#[tokio::test]
async fn it_keeps_the_contract() {
    contract::holds(layer(), || Request::new(Buffered::from(r#"{"model":"m"}"#))).await;
}

#[tokio::test]
async fn a_client_gets_what_it_may_use() {
    let restricted = |model: &str| {
        let allowed: ModelAllowlist = ["real", "nick"].map(Pattern::from).into_iter().collect();
        let body = format!(r#"{{"model": "{model}"}}"#);
        let mut request = Request::post("/").body(Buffered::from(body)).unwrap();
        request.extensions_mut().insert(allowed);
        let echo = service_fn(async |request: Request<Buffered>| {
            Ok::<_, Infallible>(Response::new(Full::new(request.into_body().to_bytes())))
        });
        layer().layer(echo).oneshot(request)
    };
    let response = restricted("nick").await.unwrap();
    assert_eq!(response.headers()["x-switchtower-model"], "real");
    for model in ["short", "second/short", "second/long"] {
        let response = restricted(model).await.unwrap();
        assert_eq!(response.status(), 403, "{model}");
        assert_eq!(response.extensions().get::<Rejected>().unwrap().code, Code::Forbidden);
        let error: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(error["error"]["param"], "model");
        assert!(error["error"]["message"].as_str().unwrap().contains(model), "{error}");
    }
}
