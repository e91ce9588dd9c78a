//! Arguments of calls in the history, mended to a JSON object.
//!
//! Several servers parse the arguments of every call in the history and refuse the whole
//! conversation when they are no JSON object, which they are not after a model was cut off.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// The parameter under which arguments that cannot be mended stay readable for the model.
const UNREADABLE: &str = "arguments";

/// How often arguments may be encoded as a string within a string.
const MAX_ENCODINGS: usize = 4;

/// The arguments as the text of a JSON object, borrowed when they are one already.
pub(super) fn object(arguments: &str) -> Cow<'_, str> {
    match mend(arguments, MAX_ENCODINGS) {
        None => Cow::Borrowed(arguments),
        Some(object) => Cow::Owned(object),
    }
}

/// `None` when it is an object as it stands.
fn mend(arguments: &str, encodings: usize) -> Option<String> {
    let text = arguments.trim();
    if text.starts_with('{') {
        if serde_json::from_str::<IgnoredAny>(text).is_ok() {
            return None;
        }
        return Some(first(text).or_else(|| closed(text)).unwrap_or_else(|| wrapped(&text.into())));
    }
    Some(match serde_json::from_str::<Value>(text) {
        _ if text.is_empty() => "{}".to_owned(),
        Ok(Value::Null) => "{}".to_owned(),
        Ok(Value::String(inner)) if encodings > 0 && inner.trim_start().starts_with(['{', '"']) => {
            mend(&inner, encodings - 1).unwrap_or(inner)
        }
        Ok(Value::String(inner)) if inner.trim().is_empty() => "{}".to_owned(),
        Ok(value) => wrapped(&value),
        Err(_) => wrapped(&text.into()),
    })
}

fn wrapped(value: &Value) -> String {
    json!({ UNREADABLE: value }).to_string()
}

/// The object at the start, when nothing but superfluous brackets follows it.
fn first(text: &str) -> Option<String> {
    let mut objects = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    objects.next()?.ok()?;
    let (object, rest) = text.split_at(objects.byte_offset());
    let is_superfluous = |c: char| c.is_ascii_whitespace() || matches!(c, '}' | ']');
    rest.chars().all(is_superfluous).then(|| object.to_owned())
}

/// An object that was cut off, closed where it was cut, or else behind its last whole member.
fn closed(text: &str) -> Option<String> {
    let mut open = Vec::new();
    // The end of the last whole member, and how many brackets were open there.
    let mut whole = None;
    let (mut in_string, mut is_escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                open.push(if byte == b'{' { '}' } else { ']' });
                whole = Some((at + 1, open.len()));
            }
            b'}' | b']' if open.pop()? != char::from(byte) || open.is_empty() => return None,
            b',' => whole = Some((at, open.len())),
            _ => {}
        }
    }
    let close = |text: &str, quote: &str, depth: usize| {
        let mut object = format!("{text}{quote}");
        object.extend(open.get(..depth)?.iter().rev());
        serde_json::from_str::<IgnoredAny>(&object).is_ok().then_some(object)
    };
    let quote = if in_string { "\"" } else { "" };
    close(text, quote, open.len()).or_else(|| {
        let (end, depth) = whole?;
        close(&text[..end], "", depth)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_object_stays_as_it_is() {
        for arguments in ["{}", r#" {"a": 1.0} "#, r#"{"a":1,"a":2}"#, r#"{"s":"\ud83d"}"#] {
            assert!(matches!(object(arguments), Cow::Borrowed(same) if same == arguments));
        }
    }

    #[test]
    fn everything_else_becomes_one() {
        for (arguments, mended) in [
            ("", "{}"),
            ("  \n", "{}"),
            ("null", "{}"),
            ("\"\"", "{}"),
            (r#"{"path": "#, "{}"),
            (r#"{"pa"#, "{}"),
            ("{", "{}"),
            (r#"{"path": "/tmp/a"#, r#"{"path": "/tmp/a"}"#),
            (r#"{"a": 1, "b": [{"c": "d"#, r#"{"a": 1, "b": [{"c": "d"}]}"#),
            (r#"{"a": 1, "b": tr"#, r#"{"a": 1}"#),
            (r#"{"a": 1, "b": "x\"#, r#"{"a": 1}"#),
            (r#"{"a": [1, {"b": "#, r#"{"a": [1, {}]}"#),
            (r#"{"a": 1}}"#, r#"{"a": 1}"#),
            (r#""{\"a\": 1}""#, r#"{"a": 1}"#),
            (r#""\"{\\\"a\\\": 1}\"""#, r#"{"a": 1}"#),
            (r#""{\"a\": ""#, "{}"),
            ("[1, 2]", r#"{"arguments":[1,2]}"#),
            ("7", r#"{"arguments":7}"#),
            (r#""ls -la""#, r#"{"arguments":"ls -la"}"#),
            ("ls -la", r#"{"arguments":"ls -la"}"#),
            (r#"{"a":1}{"b":2}"#, r#"{"arguments":"{\"a\":1}{\"b\":2}"}"#),
            ("{'a': 1}", r#"{"arguments":"{'a': 1}"}"#),
        ] {
            assert_eq!(object(arguments), mended, "{arguments}");
        }
    }

    proptest! {
        #[test]
        fn it_is_an_object_whatever_it_was(arguments in r#"[\[\]{}":,\\a1n é]{0,24}"#) {
            let object: Value = serde_json::from_str(&object(&arguments)).unwrap();
            prop_assert!(object.is_object());
        }

        #[test]
        fn an_object_may_be_cut_anywhere(at in any::<prop::sample::Index>()) {
            let whole = r#"{"a": "x\"é", "b": [1, {"c": null}], "d": {"e": -1.5e3}}"#;
            let at = (0..=at.index(whole.len())).rev().find(|at| whole.is_char_boundary(*at));
            let cut = &whole[..at.unwrap()];
            let object: Value = serde_json::from_str(&object(cut)).unwrap();
            prop_assert!(object.is_object() && object.get(UNREADABLE).is_none());
        }
    }
}
