//! Classifies data that is not an event's JSON: heartbeats, ends in odd spellings, pages.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error;
use crate::{exchange::UpstreamError, json, sse::Event};

/// Forms of an event's data, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataKind {
    /// JSON that begins as an object does.
    Object,
    /// `[DONE]`, exactly.
    Done,
    /// Another spelling of it.
    OddDone,
    /// A page or another text that begins with `<`.
    Markup,
    /// Anything else, nothing included: it says no more than that the provider is alive.
    Heartbeat,
}

impl DataKind {
    pub(super) fn of(event: Event<'_>) -> Self {
        match event.data.trim_ascii_start() {
            [b'{', ..] => Self::Object,
            [b'<', ..] => Self::Markup,
            _ if event.data == b"[DONE]" => Self::Done,
            data if is_done(data) => Self::OddDone,
            _ => Self::Heartbeat,
        }
    }
}

/// Whether this is `DONE` in any case, in any or no brackets, quotes, and blanks.
fn is_done(data: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let start = data.iter().position(is_word).unwrap_or_default();
    let end = data.iter().rposition(is_word).map_or(0, |last| last + 1);
    data.get(start..end).is_some_and(|word| word.eq_ignore_ascii_case(b"done"))
}

/// An error inside of a list: Gemini answers with one.
pub(super) fn error_in_list(data: &[u8]) -> Option<UpstreamError> {
    #[derive(Deserialize)]
    struct Item<'a> {
        #[serde(borrow)]
        error: Option<&'a RawValue>,
    }
    let [b'[', ..] = data.trim_ascii_start() else { return None };
    let items: Vec<Item<'_>> = json::read(data).ok()?;
    items.into_iter().find_map(|item| item.error).map(error::read_field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(data: &[u8]) -> Event<'_> {
        Event { name: b"", data, has_data: true, id: b"", start: 0, end: 0 }
    }

    #[test]
    fn kinds() {
        use DataKind::{Done, Heartbeat, Markup, Object, OddDone};
        for (data, kind) in [
            ("{\"a\":1}", Object),
            (" {\"a\":", Object),
            ("\n{", Object),
            ("[DONE]", Done),
            ("DONE", OddDone),
            ("[DONE] ", OddDone),
            (" [DONE]", OddDone),
            ("[done]", OddDone),
            ("\"[DONE]\"", OddDone),
            ("[\"DONE\"]", OddDone),
            ("done", OddDone),
            ("[DONE]\n", OddDone),
            ("[DONE]\r", OddDone),
            ("(Done).", OddDone),
            ("[DONE]\n[DONE]", Heartbeat),
            ("DONE!é", Heartbeat),
            ("abandoned", Heartbeat),
            ("<html>", Markup),
            ("  <!doctype html>", Markup),
            ("</s>", Markup),
            ("", Heartbeat),
            (" ", Heartbeat),
            ("\n", Heartbeat),
            ("ping", Heartbeat),
            ("\"ping\"", Heartbeat),
            ("null", Heartbeat),
            ("0", Heartbeat),
            ("-1.5", Heartbeat),
            ("true", Heartbeat),
            ("[]", Heartbeat),
            ("[{}]", Heartbeat),
            ("[", Heartbeat),
        ] {
            assert_eq!(DataKind::of(event(data.as_bytes())), kind, "{data:?}");
        }
        assert_eq!(DataKind::of(event(b"\xff")), Heartbeat);
    }

    #[test]
    fn errors_in_lists() {
        let error = |data: &str| error_in_list(data.as_bytes()).map(|error| error.to_string());
        let gemini = r#"[{"error":{"code":503,"message":"overloaded"}}]"#;
        assert_eq!(error(gemini).as_deref(), Some("503: overloaded"));
        assert_eq!(error(&format!("\n{gemini}\n")).as_deref(), Some("503: overloaded"));
        for none in ["[]", "[{}]", "[1]", "[DONE]", "{\"error\":{}}", "[{\"error\":null}]", "["] {
            assert_eq!(error(none), None, "{none}");
        }
    }
}
