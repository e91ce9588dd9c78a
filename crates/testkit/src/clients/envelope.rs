//! The documented error.

use serde_json::Value;

/// Parses an error body, checked to have the four documented fields and no others.
#[track_caller]
pub fn envelope(body: &[u8]) -> Envelope {
    let text = String::from_utf8_lossy(body);
    let whole: Value = serde_json::from_slice(body).unwrap_or_else(|_| panic!("no JSON: {text:?}"));
    let outer = whole.as_object().filter(|outer| outer.len() == 1);
    let error = outer.and_then(|outer| outer["error"].as_object());
    let error = error.unwrap_or_else(|| panic!("no envelope: {text}"));
    let mut fields: Vec<_> = error.keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["code", "message", "param", "type"], "{text}");
    let string = |name: &str| error[name].as_str().map(ToOwned::to_owned);
    let required = |name| string(name).filter(|field| !field.is_empty()).expect("a string");
    assert!(error["param"].is_null() || error["param"].is_string(), "{text}");
    Envelope {
        code: required("code"),
        message: required("message"),
        kind: required("type"),
        param: string("param"),
    }
}

/// The fields of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Error code.
    pub code: String,
    /// Human-readable message.
    pub message: String,
    /// Error type.
    pub kind: String,
    /// The field that is wrong.
    pub param: Option<String>,
}
