//! `/openapi.json`, held to what is really there. `.ci/openapi` asks for all that it describes.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::*;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header::ALLOW};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::Value;

/// Everything that can be asked for.
const OPERATIONS: [(&str, &str); 46] = [
    ("/agents", "get"),
    ("/agents", "post"),
    ("/agents/{id}", "delete"),
    ("/agents/{id}", "get"),
    ("/broadcast", "post"),
    ("/dashboard", "get"),
    ("/dashboard/{file}", "get"),
    ("/events", "get"),
    ("/health", "get"),
    ("/metrics", "get"),
    ("/model-gateway/budgets", "get"),
    ("/model-gateway/config", "get"),
    ("/model-gateway/events", "get"),
    ("/model-gateway/health", "get"),
    ("/model-gateway/health/all", "get"),
    ("/model-gateway/health/{provider}", "get"),
    ("/model-gateway/quota", "get"),
    ("/model-gateway/stats", "get"),
    ("/openapi.json", "get"),
    ("/spaces", "get"),
    ("/spaces", "post"),
    ("/spaces/{id}", "delete"),
    ("/spaces/{id}", "get"),
    ("/spaces/{id}/artifacts", "get"),
    ("/spaces/{id}/artifacts/{name}", "delete"),
    ("/spaces/{id}/artifacts/{name}", "get"),
    ("/spaces/{id}/artifacts/{name}", "put"),
    ("/spaces/{id}/messages", "get"),
    ("/spaces/{id}/messages", "post"),
    ("/spaces/{id}/search", "get"),
    ("/tasks", "get"),
    ("/tasks", "post"),
    ("/tasks/{id}", "get"),
    ("/tasks/{id}/cancel", "post"),
    ("/v1/chat/completions", "post"),
    ("/v1/completions", "post"),
    ("/v1/embeddings", "post"),
    ("/v1/models", "get"),
    ("/v1/models/{id}", "get"),
    ("/v1/responses", "post"),
    ("/v1/responses/{id}", "delete"),
    ("/v1/responses/{id}", "get"),
    ("/v1/responses/{id}/cancel", "post"),
    ("/v1/responses/{id}/input_items", "get"),
    ("/ws", "get"),
    ("/ws-info", "get"),
];

async fn document(gateway: &Gateway) -> Value {
    let response = send(gateway.addr, get("/openapi.json")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    client::json(response).await
}

/// The methods of each path, with what is said of them.
fn paths(document: &Value) -> BTreeMap<&str, BTreeMap<&str, &Value>> {
    let paths = document["paths"].as_object().expect("paths").iter();
    paths
        .map(|(path, item)| {
            let methods = item.as_object().expect("a path item").iter();
            (path.as_str(), methods.map(|(method, about)| (method.as_str(), about)).collect())
        })
        .collect()
}

async fn ask_for(gateway: &Gateway, method: &str, path: &str) -> Response<Incoming> {
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
    let path = path.replace(['{', '}'], "");
    let request = Request::builder().method(method).uri(path);
    send(gateway.addr, request.body(Full::<Bytes>::default()).expect("a request")).await
}

#[tokio::test]
async fn it_has_all_that_there_is() {
    let gateway = Gateway::start("{}").await;
    let document = document(&gateway).await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let paths = paths(&document);
    let operations = paths.iter().flat_map(|(path, methods)| methods.keys().map(|m| (*path, *m)));
    assert_eq!(operations.collect::<Vec<_>>(), OPERATIONS);
}

/// Built-in events have their types, each one; any other type is a client's own.
#[tokio::test]
async fn every_event_has_one_schema() {
    let gateway = Gateway::start("{}").await;
    let document = document(&gateway).await;
    let variants = document["components"]["schemas"]["Event"]["oneOf"].as_array().unwrap();
    let kinds = variants.iter().map(|variant| &variant["properties"]["type"]);
    let (built_in, own): (Vec<_>, Vec<_>) = kinds.partition(|kind| kind["enum"].is_array());
    let built_in: Vec<_> = built_in.iter().map(|kind| &kind["enum"][0]).collect();
    assert_eq!(built_in.len(), 14);
    let [own] = own[..] else { panic!("{own:?}") };
    assert!(built_in.iter().copied().eq(own["not"]["enum"].as_array().unwrap()), "{own}");
    assert_eq!(own["maxLength"], 64);
    for variant in variants {
        let required = variant["required"].as_array().unwrap();
        let names: BTreeSet<_> = required.iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(names.len(), required.len(), "{variant}");
        assert!(names.contains("type"), "{variant}");
    }
}

#[tokio::test]
async fn whatever_it_has_is_there() {
    let gateway = Gateway::start("{}").await;
    for (path, method) in OPERATIONS {
        let response = ask_for(&gateway, method, path).await;
        let status = response.status();
        assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        if status == StatusCode::NOT_FOUND {
            let message = envelope(&client::body(response).await).message;
            let nothing = format!("there is no {} /", method.to_uppercase());
            assert!(!message.starts_with(&nothing), "{method} {path}: {message}");
        }
    }
}

/// RFC 9110, section 15.5.6.
#[tokio::test]
async fn any_other_method_gets_405_and_those_that_it_has() {
    let gateway = Gateway::start("{}").await;
    let document = document(&gateway).await;
    for (path, methods) in paths(&document) {
        for other in ["get", "post", "put", "patch", "delete", "options", "trace"] {
            if methods.contains_key(other) {
                continue;
            }
            let response = ask_for(&gateway, other, path).await;
            assert_eq!(response.status(), 405, "{other} {path}");
            let allow = response.headers()[ALLOW].to_str().unwrap().to_lowercase();
            let allowed: BTreeSet<_> = allow.split(',').map(str::trim).collect();
            let allowed: Vec<_> = allowed.into_iter().filter(|method| *method != "head").collect();
            assert!(allowed.iter().eq(methods.keys()), "{other} {path}: {allow}");
            let error = envelope(&client::body(response).await);
            assert_eq!(error.code, "METHOD_NOT_ALLOWED", "{other} {path}");
        }
    }
}

#[tokio::test]
async fn every_operation_is_told_apart_and_says_how_it_fails() {
    let gateway = Gateway::start("{}").await;
    let document = document(&gateway).await;
    let tags: Vec<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut ids = BTreeSet::new();
    for (path, methods) in paths(&document) {
        for (method, about) in methods {
            assert!(ids.insert(about["operationId"].as_str().unwrap()), "{method} {path}");
            assert!(about["summary"].is_string(), "{method} {path}");
            let [tag] = &about["tags"].as_array().unwrap()[..] else { panic!("{method} {path}") };
            assert!(tags.contains(&tag), "{method} {path}: {tag}");
            let names = path.split('/').filter_map(|part| part.strip_prefix('{'));
            let names: Vec<_> = names.map(|name| name.trim_end_matches('}')).collect();
            let parameters = about["parameters"].as_array().into_iter().flatten();
            let in_path = parameters.filter(|parameter| parameter["in"] == "path");
            let in_path: Vec<_> = in_path.map(|parameter| &parameter["name"]).collect();
            assert_eq!(in_path, names, "{method} {path}");
            for (status, response) in about["responses"].as_object().unwrap() {
                let schema = &response["content"]["application/json"]["schema"]["$ref"];
                if status.starts_with(['4', '5']) {
                    assert_eq!(schema, "#/components/schemas/ErrorEnvelope", "{method} {path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let gateway = Gateway::start("{}").await;
    let document = document(&gateway).await;
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("a reference into the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            references.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| collect(field, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}
