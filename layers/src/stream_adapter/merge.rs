//! Merges the pieces of a streamed chat message.

use serde_json::{Map, Value};

/// Fields whose pieces are joined.
const TEXTS: [&str; 8] = [
    "content",
    "reasoning_content",
    "reasoning",
    "refusal",
    "thinking",
    "arguments",
    "data",
    "transcript",
];

/// Adds a delta to the message so far: texts are joined, lists appended to, objects merged, and of
/// other values the last one counts. Null changes nothing.
pub(super) fn merge(message: &mut Map<String, Value>, delta: Map<String, Value>) {
    for (name, value) in delta {
        if value.is_null() {
            message.entry(name).or_insert(Value::Null);
            continue;
        }
        let is_text = TEXTS.contains(&name.as_str());
        match (message.get_mut(&name), value) {
            (Some(Value::String(text)), Value::String(more)) if is_text => text.push_str(&more),
            (Some(Value::Array(calls)), Value::Array(more)) if name == "tool_calls" => {
                more.into_iter().for_each(|call| merge_call(calls, call));
            }
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (Some(Value::Object(object)), Value::Object(more)) => merge(object, more),
            (_, Value::Array(more)) if name == "tool_calls" => {
                let mut calls = Vec::new();
                more.into_iter().for_each(|call| merge_call(&mut calls, call));
                message.insert(name, calls.into());
            }
            // A later piece of a name or an id may be empty.
            (Some(Value::String(known)), Value::String(more))
                if !known.is_empty() && more.is_empty() => {}
            (_, value) => drop(message.insert(name, value)),
        }
    }
}

/// Adds a piece of a call to the one with its index, or else its id.
fn merge_call(calls: &mut Vec<Value>, piece: Value) {
    let Value::Object(mut piece) = piece else { return };
    let id = piece.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let index = piece.get("index");
    let is_same = |call: &&mut Value| {
        let known = call.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        // Some providers give all calls the same index, and distinguish them by their ids.
        let is_other = known.zip(id).is_some_and(|(known, id)| known != id);
        match index {
            Some(index) => call.get("index") == Some(index) && !is_other,
            None => id.is_none() || known == id,
        }
    };
    let Some(Value::Object(call)) = calls.iter_mut().rev().find(is_same) else {
        calls.push(piece.into());
        return;
    };
    if let (Some(whole), Some(repeated)) = (arguments(call), arguments_of(&mut piece))
        && is_repeated(whole, repeated)
    {
        *repeated = String::new();
    }
    merge(call, piece);
}

fn arguments(call: &Map<String, Value>) -> Option<&str> {
    call.get("function")?.get("arguments")?.as_str()
}

fn arguments_of(call: &mut Map<String, Value>) -> Option<&mut String> {
    match call.get_mut("function")?.get_mut("arguments")? {
        Value::String(arguments) => Some(arguments),
        _ => None,
    }
}

/// Whether a piece repeats arguments that are whole, perhaps encoded once more.
fn is_repeated(whole: &str, piece: &str) -> bool {
    let is_object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).is_ok();
    let is_same =
        piece == whole || serde_json::from_str::<String>(piece).is_ok_and(|text| text == whole);
    is_same && is_object(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(deltas: &[Value]) -> Value {
        let mut message = Map::new();
        for delta in deltas {
            merge(&mut message, delta.as_object().unwrap().clone());
        }
        message.into()
    }

    #[test]
    fn texts_are_joined_lists_appended_and_the_rest_replaced() {
        let deltas = [
            json!({"role": "assistant", "content": "", "reasoning": null}),
            json!({"content": "Hel", "x": {"a": 1}, "details": [1]}),
            json!({"content": "lo", "x": {"b": 2}, "details": [2], "reasoning": "so", "role": ""}),
        ];
        let expected = json!({
            "role": "assistant", "content": "Hello", "reasoning": "so", "x": {"a": 1, "b": 2}, "details": [1, 2],
        });
        assert_eq!(merged(&deltas), expected);
    }

    #[test]
    fn pieces_of_calls_find_their_call() {
        let call = |index: u32, id: &str, name: &str, arguments: &str| {
            let function = json!({"name": name, "arguments": arguments});
            json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]})
        };
        let calls = |deltas: &[Value]| {
            let message = merged(deltas);
            let calls = message["tool_calls"].as_array().unwrap().iter();
            calls
                .map(|call| {
                    let function = &call["function"];
                    format!("{} {} {}", call["id"], function["name"], function["arguments"])
                })
                .collect::<Vec<_>>()
        };
        let (a, b) = (r#""a" "f" "{\"x\":1}""#, r#""b" "g" "{}""#);
        let pieces = [call(0, "a", "f", "{\"x\""), call(0, "", "", ":1}")];
        assert_eq!(calls(&pieces), [a]);
        let parallel = [call(0, "a", "f", "{\"x\":1}"), call(1, "b", "g", "{}")];
        assert_eq!(calls(&parallel), [a, b]);
        let same_index = [call(0, "a", "f", "{\"x\":1}"), call(0, "b", "g", "{}")];
        assert_eq!(calls(&same_index), [a, b]);
        for summary in ["{\"x\":1}", r#""{\"x\":1}""#] {
            let repeated = [&pieces[..], &[call(0, "a", "f", summary)]].concat();
            assert_eq!(calls(&repeated), [a]);
        }
    }
}
