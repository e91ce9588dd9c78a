//! A plausible value for a JSON schema.

use serde_json::{Map, Value, json};

/// Schemas may refer to themselves; what is deeper than this becomes `null`.
const DEPTH: usize = 8;

/// A value that fits the schema; free text is taken from the question.
pub(super) fn example(schema: &Value, question: &str) -> Value {
    Example { root: schema, question }.of(schema, "", DEPTH)
}

struct Example<'a> {
    root: &'a Value,
    question: &'a str,
}

impl Example<'_> {
    /// `name` is the property that the value is for.
    fn of(&self, schema: &Value, name: &str, depth: usize) -> Value {
        let Some(depth) = depth.checked_sub(1) else { return Value::Null };
        if let Some(pointer) = schema["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
            let target = self.root.pointer(pointer).unwrap_or(&Value::Null);
            return self.of(target, name, depth);
        }
        let given =
            [&schema["const"], &schema["default"], &schema["enum"][0], &schema["examples"][0]];
        if let Some(value) = given.into_iter().find(|value| !value.is_null()) {
            return value.clone();
        }
        for choices in ["anyOf", "oneOf", "allOf"] {
            if let Some(choice) = schema[choices].as_array().and_then(|all| all.first()) {
                return self.of(choice, name, depth);
            }
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => match &schema["items"] {
                Value::Null => json!([]),
                items => json!([self.of(items, name, depth)]),
            },
            "integer" | "number" => match &schema["minimum"] {
                Value::Null => json!(1),
                least => least.clone(),
            },
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => json!(self.text(schema, name)),
        }
    }

    /// The required properties, or all of them if none is.
    fn object(&self, schema: &Value, depth: usize) -> Value {
        let Some(properties) = schema["properties"].as_object() else { return json!({}) };
        let required = schema["required"].as_array().filter(|required| !required.is_empty());
        let wanted =
            |name: &str| required.is_none_or(|required| required.iter().any(|r| r == name));
        let object: Map<_, _> = properties
            .iter()
            .filter(|(name, _)| wanted(name))
            .map(|(name, schema)| (name.clone(), self.of(schema, name, depth)))
            .collect();
        Value::Object(object)
    }

    fn text(&self, schema: &Value, name: &str) -> String {
        let by_format = match schema["format"].as_str().unwrap_or_default() {
            "date" => Some("2026-01-31"),
            "time" => Some("12:00:00Z"),
            "date-time" => Some("2026-01-31T12:00:00Z"),
            "email" => Some("demo@example.com"),
            "uri" | "url" => Some("https://example.com/"),
            "uuid" => Some("00000000-0000-4000-8000-000000000000"),
            _ => None,
        };
        let text = match name.to_lowercase().as_str() {
            _ if by_format.is_some() => by_format.unwrap_or_default(),
            "location" | "city" | "place" => "Paris",
            "country" => "France",
            "path" | "file" | "filename" | "file_path" => "README.md",
            "url" => "https://example.com/",
            "command" | "cmd" => "echo demo",
            "query" | "text" | "input" | "prompt" | "question" | "message"
                if !self.question.is_empty() =>
            {
                self.question
            }
            _ => "demo",
        };
        text.to_owned()
    }
}

/// The type, the first that is not `null` if there are several, `object` where there are only
/// properties.
fn kind(schema: &Value) -> &str {
    let named = match &schema["type"] {
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        kind => kind.as_str().unwrap_or_default(),
    };
    if named.is_empty() && schema["properties"].is_object() { "object" } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_what_is_required() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 3},
                "note": {"type": ["null", "string"]},
                "day": {"type": "string", "format": "date"},
                "tags": {"type": "array", "items": {"type": "boolean"}},
                "more": {"type": "object"},
                "skipped": {"type": "string"},
            },
            "required": ["city", "unit", "days", "note", "day", "tags", "more"],
        });
        assert_eq!(
            example(&schema, "Hi"),
            json!({
                "city": "Paris",
                "unit": "celsius",
                "days": 3,
                "note": "demo",
                "day": "2026-01-31",
                "tags": [true],
                "more": {},
            })
        );
    }

    #[test]
    fn fills_everything_where_nothing_is_required() {
        let schema =
            json!({"properties": {"query": {"type": "string"}, "limit": {"type": "number"}}});
        assert_eq!(example(&schema, "old maps"), json!({"query": "old maps", "limit": 1}));
        assert_eq!(example(&schema, ""), json!({"query": "demo", "limit": 1}));
        assert_eq!(example(&json!({"type": "object"}), ""), json!({}));
    }

    #[test]
    fn follows_references_but_not_for_ever() {
        let schema = json!({
            "$defs": {"node": {
                "type": "object",
                "properties": {"next": {"$ref": "#/$defs/node"}},
                "required": ["next"],
            }},
            "anyOf": [{"$ref": "#/$defs/node"}],
        });
        let value = example(&schema, "");
        assert!(value["next"]["next"].is_object());
        assert!(value.to_string().contains(r#"{"next":null}"#), "{value}");
    }
}
