//! Arguments of calls that are no functions: an object of their own.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{json::Put, surrogates::joined};

/// The action of a `local_shell_call`, if the arguments have one. Strict readers of JSON refuse
/// halves of characters: they are replaced here as in all text.
pub(super) fn shell_action(arguments: &str) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct Arguments<'a> {
        #[serde(borrow)]
        command: &'a RawValue,
        #[serde(borrow)]
        env: Option<&'a RawValue>,
        #[serde(borrow)]
        timeout_ms: Option<&'a RawValue>,
        #[serde(borrow)]
        user: Option<&'a RawValue>,
        #[serde(borrow, alias = "workdir")]
        working_directory: Option<&'a RawValue>,
    }
    let arguments: Arguments<'_> = serde_json::from_str(arguments).ok()?;
    let mut out = Vec::new();
    out.put("{\"type\":\"exec\",\"command\":");
    match &*joined(arguments.command.get()) {
        line if line.starts_with('"') => out.put("[\"bash\",\"-lc\",").put(line).put("]"),
        words => {
            serde_json::from_str::<Vec<&RawValue>>(words).ok()?;
            out.put(words)
        }
    };
    for (field, value, default) in [
        ("env", arguments.env, "{}"),
        ("timeout_ms", arguments.timeout_ms, "null"),
        ("user", arguments.user, "null"),
        ("working_directory", arguments.working_directory, "null"),
    ] {
        out.put(",\"").put(field).put("\":").put(&joined(value.map_or(default, RawValue::get)));
    }
    out.put("}");
    Some(out)
}

/// The arguments of a `tool_search_call`: an object, whatever the model wrote.
pub(super) fn search_arguments(arguments: &str) -> Vec<u8> {
    let trimmed = arguments.trim();
    let mut out = Vec::new();
    match serde_json::from_str::<&RawValue>(trimmed) {
        _ if trimmed.is_empty() => out.put("{}"),
        Ok(object) if object.get().starts_with('{') => out.put(&joined(object.get())),
        _ => out.put("{\"query\":").string(trimmed).put("}"),
    };
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_of_the_shell() {
        let rest = r#""env":{},"timeout_ms":null,"user":null,"working_directory""#;
        for (arguments, action) in [
            (
                r#"{"command":["ls","-l"],"workdir":"/tmp"}"#,
                Some(format!(r#"{{"type":"exec","command":["ls","-l"],{rest}:"/tmp"}}"#)),
            ),
            (
                r#"{"command":"ls"}"#,
                Some(format!(r#"{{"type":"exec","command":["bash","-lc","ls"],{rest}:null}}"#)),
            ),
            (
                r#"{"command":"\ud83d","env":{"a":"\ud83d\ude80\ud83d"}}"#,
                Some(r#"{"type":"exec","command":["bash","-lc","�"],"env":{"a":"🚀�"},"timeout_ms":null,"user":null,"working_directory":null}"#.to_owned()),
            ),
            (r#"{"command":7}"#, None),
            (r#"{"command":["ls""#, None),
            ("", None),
        ] {
            let got = shell_action(arguments).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(got, action, "{arguments}");
        }
    }

    #[test]
    fn a_search_has_an_object() {
        for (arguments, object) in [
            (r#" {"query":"a"} "#, r#"{"query":"a"}"#),
            (r#"{"query":"\ud83d"}"#, "{\"query\":\"\u{fffd}\"}"),
            ("", "{}"),
            ("mail", r#"{"query":"mail"}"#),
            ("[1]", r#"{"query":"[1]"}"#),
        ] {
            assert_eq!(search_arguments(arguments), object.as_bytes(), "{arguments}");
        }
    }
}
