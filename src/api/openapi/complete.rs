//! Completes all operations of the OpenAPI document with their common parts.

use serde_json::{Value, json};

use crate::mesh::events::Event;

const ENVELOPE: &str = "#/components/schemas/ErrorEnvelope";
/// What streams send, and what its data is.
const SENT: [(&str, &str); 2] = [("SentEvent", "Event"), ("SentLiveEvent", "LiveEvent")];

/// What any request may be answered with before it comes to its handler.
const ANY: [(&str, &str); 5] = [
    ("400", "The request is wrong, or its `Host` or path is"),
    ("401", "There are client keys, and it shows none of them"),
    ("403", "A foreign `Host`, a web page of another origin, or a key that is for something else"),
    ("429", "The client has too many answers open, or has shown too many unknown keys"),
    ("431", "More than 64 KiB of path and headers"),
];

/// And what any POST.
const POST: [(&str, &str); 1] = [("415", "It does not say that it is JSON, or it is encoded")];

/// And what any with a body.
const WITH_BODY: [(&str, &str); 2] =
    [("408", "The body does not come"), ("413", "The body is too large")];

/// Adds the answers that any request may get and the error envelope to all errors, gives each
/// operation an id of its own, and writes paths as OpenAPI does.
pub(super) fn complete(document: &mut Value) {
    events(document);
    let Some(paths) = document["paths"].as_object_mut() else { return };
    let plain = std::mem::take(paths).into_iter().map(|(path, mut item)| {
        let path = path.replace("{*", "{");
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete_one(&path, method, operation);
        }
        (path, item)
    });
    *paths = plain.collect();
}

/// What the derive cannot say: what the data of a stream is, and that clients' own events are a
/// variant without a tag. It takes the variant's name for one.
fn events(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    let mut own = schemas["Broadcast"]["properties"]["type"].clone();
    own["not"] = json!({"enum": Event::BUILT_IN});
    for (sent, event) in SENT {
        let reference = json!({"$ref": format!("#/components/schemas/{event}")});
        schemas[sent]["properties"]["data"]["contentSchema"] = reference;
    }
    let variants = schemas["Event"]["oneOf"].as_array_mut();
    for variant in variants.into_iter().flatten() {
        if variant["properties"]["type"]["enum"] == json!(["Custom"]) {
            variant["properties"]["type"] = own.take();
            variant["required"] = json!(["type", "data"]);
        }
    }
}

fn complete_one(path: &str, method: &str, operation: &mut Value) {
    operation["operationId"] = id(path, method).into();
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        if let Some(name) = parameter["name"].as_str().and_then(|name| name.strip_prefix('*')) {
            parameter["name"] = name.into();
        }
    }
    let has_body = operation.get("requestBody").is_some();
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    // A provider's answers are its own.
    if responses.contains_key("default") {
        return;
    }
    let posted = POST.iter().filter(|_| method == "post");
    let with_body = WITH_BODY.iter().filter(|_| has_body);
    for (status, why) in ANY.iter().chain(posted).chain(with_body) {
        responses.entry(*status).or_insert_with(|| json!({"description": why}));
    }
    for (status, response) in responses {
        if status.starts_with(['4', '5']) {
            envelope(response);
        }
    }
}

fn envelope(response: &mut Value) {
    let Some(response) = response.as_object_mut() else { return };
    if !response.contains_key("content") && !response.contains_key("$ref") {
        let content = json!({"application/json": {"schema": {"$ref": ENVELOPE}}});
        response.insert("content".into(), content);
    }
}

/// `get_tasks_id`. Handlers of two modules may have the same name, operations may not.
fn id(path: &str, method: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}
