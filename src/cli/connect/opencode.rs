//! OpenCode's `opencode.json`, which may have comments: a custom provider, as its documentation has it
//! (<https://opencode.ai/docs/providers#custom-provider>).
//!
//! The parser only gives positions; the text is spliced there. OpenCode shows only models that its
//! configuration lists, so the gateway's are written into it; which of them is used stays the
//! user's choice.

use std::fmt::Write;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::text::{line_break, splice};

/// What the gateway is called in the file.
const ID: &str = "switchtower";

/// Whether the gateway is one of the providers.
pub(super) fn is_connected(text: &str) -> bool {
    parse(text).is_ok_and(|root| root.as_ref().and_then(entry).and_then(base_url).is_some())
}

/// The text with the gateway as a provider. In an entry that is there already, only the address changes.
///
/// # Errors
///
/// When it is not valid JSON, with the line, or not of the expected shape.
pub(super) fn connect(text: &str, url: &str, models: &[String]) -> Result<String, String> {
    if models.is_empty() {
        return Err(
            "OpenCode has to be told the models, and the configuration names none".to_owned()
        );
    }
    let (nl, unit) = (line_break(text), indent(text));
    let pretty = |depth: usize, text: &str| {
        text.replace('\t', unit).replace('\n', &format!("{nl}{}", unit.repeat(depth)))
    };
    let provider =
        format!("\"provider\": {{\n\t\"{ID}\": {}\n}}", ours(url, models).replace('\n', "\n\t"));
    let Some(root) = parse(text)? else {
        return Ok(format!("{{\n{unit}{}\n}}\n", pretty(1, &provider)));
    };
    let Some(providers) = root.get("provider") else {
        return Ok(insert(text, &root, 1, &pretty(1, &provider)));
    };
    let providers = providers.value.as_object().ok_or_else(|| shape("provider"))?;
    let Some(entry) = providers.get(ID) else {
        let entry = pretty(2, &format!("\"{ID}\": {}", ours(url, models)));
        return Ok(insert(text, providers, 2, &entry));
    };
    let (old, new) = match base_url(entry) {
        Some(address) => (address.range(), quoted(url)),
        None => (entry.value.range(), pretty(2, &ours(url, models))),
    };
    Ok(splice(text, vec![(old.start..old.end, new)]))
}

/// The text with what stood in `original` where the gateway stands now.
///
/// # Errors
///
/// When either is not valid JSON, with the line.
pub(super) fn disconnect(text: &str, original: &str) -> Result<String, String> {
    let (root, before) = (parse(text)?, parse(original)?);
    let Some((root, now)) = root.as_ref().and_then(|root| Some((root, entry(root)?))) else {
        return Ok(text.to_owned());
    };
    if let Some(old) = before.as_ref().and_then(entry) {
        let (now, old) = match (base_url(now), base_url(old)) {
            (Some(now), Some(old)) => (now.range(), old.range()),
            _ => (now.value.range(), old.value.range()),
        };
        let old = original[old.start..old.end].to_owned();
        return Ok(splice(text, vec![(now.start..now.end, old)]));
    }
    let had_providers = before.as_ref().is_some_and(|before| before.get("provider").is_some());
    let mut gone = now;
    if let (false, Some(providers)) = (had_providers, root.get("provider"))
        && providers.value.as_object().is_some_and(|all| all.properties.len() == 1)
    {
        gone = providers;
    }
    let left = remove(text, gone);
    let empty = left.chars().all(|c| c.is_whitespace() || matches!(c, '{' | '}'));
    Ok(if empty && before.is_none() { String::new() } else { left })
}

/// The gateway's entry, indented by tabs.
fn ours(url: &str, models: &[String]) -> String {
    let mut text = format!(
        "{{\n\t\"npm\": \"@ai-sdk/openai-compatible\",\n\t\"name\": \"Switchtower\",\n\t\"options\": {{\n\t\t\
         \"baseURL\": {}\n\t}},\n\t\"models\": {{",
        quoted(url)
    );
    for (index, model) in models.iter().enumerate() {
        let (comma, model) = (if index == 0 { "" } else { "," }, quoted(model));
        let _ = write!(text, "{comma}\n\t\t{model}: {{ \"name\": {model} }}");
    }
    text + "\n\t}\n}"
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The object that the file is, unless it is empty.
fn parse(text: &str) -> Result<Option<Object<'_>>, String> {
    let options = ParseOptions {
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_loose_object_property_names: false,
        ..ParseOptions::default()
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options).map_err(|error| {
        format!("line {} is not valid JSON: {}", error.line_display(), error.kind())
    })?;
    match parsed.value {
        None => Ok(None),
        Some(Value::Object(root)) => Ok(Some(root)),
        Some(_) => Err(shape("the file")),
    }
}

fn shape(what: &str) -> String {
    format!("`{what}` is not an object, so there is no place for the gateway in it")
}

fn entry<'a, 'b>(root: &'b Object<'a>) -> Option<&'b ObjectProp<'a>> {
    root.get("provider")?.value.as_object()?.get(ID)
}

fn base_url<'a, 'b>(entry: &'b ObjectProp<'a>) -> Option<&'b Value<'a>> {
    let options = entry.value.as_object()?.get("options")?;
    options.value.as_object()?.get("baseURL").map(|property| &property.value)
}

/// What one level is indented by.
fn indent(text: &str) -> &str {
    let space = |line: &'_ str| line.len() - line.trim_start().len();
    let line = text.lines().find(|line| space(line) > 0 && line.trim_start().starts_with('"'));
    line.map_or("  ", |line| &line[..space(line)])
}

/// Puts a property first in an object.
fn insert(text: &str, object: &Object<'_>, depth: usize, property: &str) -> String {
    let (nl, unit) = (line_break(text), indent(text));
    let at = object.range.start + 1;
    let after = match object.properties.is_empty() {
        true if text[at..].starts_with('}') => format!("{nl}{}", unit.repeat(depth - 1)),
        true => String::new(),
        false => ",".to_owned(),
    };
    splice(text, vec![(at..at, format!("{nl}{}{property}{after}", unit.repeat(depth)))])
}

/// Takes out a property, its comma, and the line break before it.
fn remove(text: &str, property: &ObjectProp<'_>) -> String {
    let (start, end) = (property.range.start, property.range.end);
    let start = text[..start].trim_end().len();
    let rest = text[end..].trim_start();
    let end = if rest.starts_with(',') { text.len() - rest.len() + 1 } else { end };
    // A comment to the end of its line would swallow what follows it.
    let line = &text[super::text::line_start(text, start)..start];
    let nl = if line.contains("//") && !text[end..].starts_with(['\r', '\n']) { "\n" } else { "" };
    splice(text, vec![(start..end, nl.to_owned())])
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://127.0.0.1:3000/v1";

    fn connected(text: &str) -> String {
        let connected = connect(text, URL, &["demo".to_owned(), "b".to_owned()]).unwrap();
        assert!(is_connected(&connected) && !is_connected(text), "{connected}");
        assert_eq!(connect(&connected, URL, &["demo".to_owned()]).unwrap(), connected);
        connected
    }

    #[test]
    fn a_new_file() {
        let text = connected("");
        insta::assert_snapshot!(text, @r#"
        {
          "provider": {
            "switchtower": {
              "npm": "@ai-sdk/openai-compatible",
              "name": "Switchtower",
              "options": {
                "baseURL": "http://127.0.0.1:3000/v1"
              },
              "models": {
                "demo": { "name": "demo" },
                "b": { "name": "b" }
              }
            }
          }
        }
        "#);
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        assert_eq!(disconnect(&text, "").unwrap(), "");
    }

    /// Without blanks: in an object that was empty, a line break stays.
    fn words(text: &str) -> String {
        text.split_whitespace().collect()
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            "{}",
            "{\n}\n",
            "{ \"model\": \"a/b\" }",
            "{\r\n\t// mine\r\n\t\"model\": \"a/b\", // this one\r\n}",
            "{\n    \"provider\": {},\n    \"model\": 1\n}\n",
            "{\n  \"provider\": {\n    \"a\": {} // ours?\n  }\n}\n",
            "// first\n{ /* a */ \"provider\": { \"a\": {} } }",
        ] {
            let connected = connected(text);
            let left = disconnect(&connected, text).unwrap();
            assert_eq!(words(&left), words(text), "{connected}");
            let edited = connected.replace("a/b", "c/d");
            let left = disconnect(&edited, text).unwrap();
            assert_eq!(words(&left), words(&text.replace("a/b", "c/d")));
        }
    }

    #[test]
    fn an_entry_of_the_users_gets_its_address_back() {
        let own = "{\"provider\": {\"switchtower\": {\"options\": {\"baseURL\": \"http://old\", \"x\": 1}}}}";
        let models = ["demo".to_owned()];
        let connected = connect(own, URL, &models).unwrap();
        assert_eq!(connected, own.replace("http://old", URL));
        assert_eq!(disconnect(&connected, own).unwrap(), own);
        let odd = "{\"provider\": {\"switchtower\": 3}}";
        let connected = connect(odd, URL, &models).unwrap();
        assert!(is_connected(&connected));
        assert_eq!(disconnect(&connected, odd).unwrap(), odd);
    }

    #[test]
    fn a_file_of_another_shape_is_refused() {
        let models = ["demo".to_owned()];
        for (text, why) in [
            ("{\n\"a\": 1\n\"b\" 2}", "line 2"),
            ("[]", "`the file` is not an object"),
            ("{\"provider\": []}", "`provider` is not an object"),
        ] {
            let error = connect(text, URL, &models).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(connect("", URL, &[]).unwrap_err().contains("names none"));
    }
}
