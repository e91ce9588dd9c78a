//! Helpers shared by tests.

use serde_json::{Value, json};

use super::{Invalid, Options, Translated, translate};

/// Opens what begins with `ours:`.
pub(super) fn open(sealed: &str) -> Option<String> {
    sealed.strip_prefix("ours:").map(str::to_owned)
}

pub(super) fn translated(request: &Value) -> Result<Translated, Invalid> {
    translate(&serde_json::to_vec(request).unwrap(), &Options::default(), &open)
}

/// The Chat request for a request with these fields besides `input`.
pub(super) fn chat(mut fields: Value) -> Value {
    fields.as_object_mut().unwrap().entry("input").or_insert(json!("hi"));
    let translated = translated(&fields).unwrap_or_else(|error| panic!("{fields}: {error}"));
    serde_json::from_slice(&translated.body).unwrap()
}

/// The messages for these items.
pub(super) fn messages(items: &Value) -> Value {
    chat(json!({ "input": items }))["messages"].take()
}

/// The parameter that is wrong, and what is said of it.
pub(super) fn invalid(mut fields: Value) -> (String, String) {
    fields.as_object_mut().unwrap().entry("input").or_insert(json!("hi"));
    match translated(&fields) {
        Ok(translated) => panic!("{fields}: {translated:?}"),
        Err(error) => (error.param.unwrap_or_default(), error.message),
    }
}

/// Each call answered once, directly behind the message that makes it; no message without sense.
pub(super) fn assert_is_valid(messages: &Value) {
    let messages = messages.as_array().expect("an array");
    let mut awaited: Vec<&str> = Vec::new();
    for message in messages {
        let role = message["role"].as_str().expect("a role");
        if role == "tool" {
            let id = message["tool_call_id"].as_str().expect("an id");
            let place = awaited.iter().position(|awaited| *awaited == id);
            awaited.remove(place.unwrap_or_else(|| panic!("{id} is not awaited: {messages:?}")));
            assert!(message["content"].is_string(), "{message}");
            continue;
        }
        assert!(awaited.is_empty(), "{awaited:?} not answered before {message}: {messages:?}");
        if role == "assistant" {
            let calls = message["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
            assert!(message["content"].is_string() || !calls.is_empty(), "{message}");
            for call in calls {
                awaited.push(call["id"].as_str().expect("an id"));
                assert!(call["function"]["arguments"].is_string(), "{call}");
            }
        } else {
            assert!(matches!(role, "system" | "user"), "{message}");
            assert!(message["content"].is_string() || message["content"].is_array(), "{message}");
        }
    }
    assert!(awaited.is_empty(), "{awaited:?} not answered: {messages:?}");
}
