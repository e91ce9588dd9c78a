//! Codex's `config.toml`.
//!
//! The parser only gives positions; the text is spliced there, so that every other byte, CRLF and
//! odd spacing included, stays.

use std::ops::Range;

use toml_edit::{Document, Item, Key, Table, TableLike, TomlError, Value};

use super::text::{first, gap, line_break, line_end, line_start, splice, with_blank_line_before};

/// What the gateway is called in the file.
const ID: &str = "switchtower";

/// Whether the gateway is the provider in use.
pub(super) fn is_connected(text: &str) -> bool {
    let Ok(document) = parse(text) else { return false };
    let used = document.get("model_provider").and_then(Item::as_str) == Some(ID);
    used && ours(&document).is_some_and(|table| table.contains_key("base_url"))
}

/// The text with the gateway as its provider.
///
/// # Errors
///
/// When it is not valid TOML, with the line, or when `model_providers` is written in a way that cannot be
/// added to.
pub(super) fn connect(text: &str, url: &str) -> Result<String, String> {
    let document = parse(text)?;
    let nl = line_break(text);
    let mut edits = Vec::new();
    match document.get("model_provider") {
        Some(item) => replace(&mut edits, text, item, &format!("\"{ID}\""))?,
        None => {
            let line = format!("model_provider = \"{ID}\"");
            edits.push(match last_value(document.as_table()).map(|end| line_end(text, end)) {
                Some(at) if text[..at].ends_with('\n') => (at..at, format!("{line}{nl}")),
                Some(at) => (at..at, format!("{nl}{line}")),
                None => (first(text)..first(text), format!("{line}{nl}")),
            });
        }
    }
    match ours(&document) {
        None => {
            if document.get("model_providers").is_some_and(|item| !item.is_table()) {
                return Err(unsupported());
            }
            let gap = if text.len() == first(text) { nl.to_owned() } else { gap(text) };
            let lines: Vec<_> =
                settings(url).iter().map(|(key, value)| format!("{key} = {value}{nl}")).collect();
            let table = format!("{gap}[model_providers.{ID}]{nl}{}", lines.concat());
            edits.push((text.len()..text.len(), table));
        }
        Some(table) => {
            for (key, value) in settings(url) {
                match table.get(key) {
                    // What it is called is the user's to say.
                    Some(_) if key == "name" => {}
                    Some(item) => replace(&mut edits, text, item, &value)?,
                    None => {
                        let header = header(&document).ok_or_else(unsupported)?;
                        let at = line_end(text, header.end);
                        edits.push(match text[..at].ends_with('\n') {
                            true => (at..at, format!("{key} = {value}{nl}")),
                            false => (at..at, format!("{nl}{key} = {value}")),
                        });
                    }
                }
            }
        }
    }
    let text = splice(text, edits);
    match is_connected(&text) {
        true => Ok(text),
        false => Err(unsupported()),
    }
}

/// The text with what stood in `original` wherever the gateway stands now.
///
/// # Errors
///
/// When either is not valid TOML, with the line, or when the gateway's entry was rewritten in a way that
/// cannot be taken out.
pub(super) fn disconnect(text: &str, original: &str) -> Result<String, String> {
    let (document, before) = (parse(text)?, parse(original)?);
    let mut edits = Vec::new();
    let provider = document.get("model_provider").filter(|item| item.as_str() == Some(ID));
    if let Some(item) = provider {
        match before.get("model_provider") {
            Some(old) => replace(&mut edits, text, item, raw(original, old)?)?,
            None => remove(&mut edits, text, document.as_table(), "model_provider")?,
        }
    }
    match (ours(&document), ours(&before)) {
        (None, _) => {}
        (Some(table), Some(old)) => {
            for key in ["base_url", "wire_api"] {
                match (table.get(key), old.get(key)) {
                    (Some(item), Some(old)) => {
                        replace(&mut edits, text, item, raw(original, old)?)?;
                    }
                    (Some(_), None) => remove(&mut edits, text, table, key)?,
                    (None, _) => {}
                }
            }
            if table.contains_key("name") && !old.contains_key("name") {
                remove(&mut edits, text, table, "name")?;
            }
        }
        (Some(_), None) => {
            let all = document.get("model_providers").and_then(Item::as_table_like);
            let entry = document.get("model_providers").and_then(|all| all.get(ID));
            match (all, entry) {
                (_, Some(Item::Table(table))) if !table.is_dotted() => {
                    // Tables inside of it may have stood there without it.
                    let inner = before.get("model_providers").and_then(|all| all.get(ID)).is_none();
                    remove_tables(&mut edits, text, table, inner);
                }
                (Some(all), _) if document["model_providers"].is_table() => {
                    remove(&mut edits, text, all, ID)?;
                }
                _ => return Err(unsupported()),
            }
        }
    }
    let text = splice(text, edits);
    parse(&text).map_err(|_| unsupported())?;
    Ok(text)
}

/// The keys of the gateway's entry, with their values as TOML.
fn settings(url: &str) -> [(&'static str, String); 3] {
    [
        ("name", "\"Switchtower\"".to_owned()),
        ("base_url", format!("\"{url}\"")),
        ("wire_api", "\"responses\"".to_owned()),
    ]
}

fn parse(text: &str) -> Result<Document<&str>, String> {
    Document::parse(text).map_err(|error: TomlError| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not valid TOML: {}", error.message())
    })
}

fn unsupported() -> String {
    format!(
        "`model_providers` is written in a way that cannot be edited safely; write the gateway's entry as a \
         table, [model_providers.{ID}]"
    )
}

/// The gateway's entry, however it is written.
fn ours<'a>(document: &'a Document<&str>) -> Option<&'a dyn TableLike> {
    let entry = document.get("model_providers")?.get(ID)?;
    match entry {
        // There are only tables inside of it.
        Item::Table(table) if table.is_implicit() && !table.is_dotted() => None,
        entry => entry.as_table_like(),
    }
}

/// Where its header stands, if it has one.
fn header(document: &Document<&str>) -> Option<Range<usize>> {
    let table = document.get("model_providers")?.get(ID)?.as_table()?;
    if table.is_implicit() || table.is_dotted() { None } else { table.span() }
}

/// Where the last value ends that stands in this table itself, dotted keys included.
fn last_value(table: &Table) -> Option<usize> {
    let end = |(_, item): (&str, &Item)| match item {
        Item::Value(value) => value.span().map(|span| span.end),
        Item::Table(table) if table.is_dotted() => last_value(table),
        _ => None,
    };
    table.iter().filter_map(end).max()
}

fn raw<'a>(text: &'a str, item: &Item) -> Result<&'a str, String> {
    let value = item.as_value().and_then(Value::span);
    value.map(|span| &text[span]).ok_or_else(unsupported)
}

type Edits = Vec<(Range<usize>, String)>;

/// Puts another value where one stands.
fn replace(edits: &mut Edits, text: &str, item: &Item, new: &str) -> Result<(), String> {
    let span = item.as_value().and_then(Value::span).ok_or_else(unsupported)?;
    if &text[span.clone()] != new {
        edits.push((span, new.to_owned()));
    }
    Ok(())
}

/// Takes out the line, or lines, of a key and its value.
fn remove(edits: &mut Edits, text: &str, table: &dyn TableLike, key: &str) -> Result<(), String> {
    let start = table.key(key).and_then(Key::span);
    let end = table.get(key).and_then(Item::as_value).and_then(Value::span);
    let (start, end) = start.zip(end).ok_or_else(unsupported)?;
    edits.push((line_start(text, start.start)..line_end(text, end.end), String::new()));
    Ok(())
}

/// Takes out a table, and the tables in it if wanted, each with the blank line before it.
fn remove_tables(edits: &mut Edits, text: &str, table: &Table, inner: bool) {
    if let (false, Some(header)) = (table.is_implicit(), table.span()) {
        let start = with_blank_line_before(text, line_start(text, header.start));
        let end = line_end(text, last_value(table).unwrap_or(header.end).max(header.end));
        edits.push((start..end, String::new()));
    }
    for (_, item) in table.iter().filter(|_| inner) {
        match item {
            Item::Table(table) if !table.is_dotted() => remove_tables(edits, text, table, true),
            Item::ArrayOfTables(tables) => {
                tables.iter().for_each(|table| remove_tables(edits, text, table, true));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
