//! Stream events that are not chunks: heartbeats, end markers, errors in arrays.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{classify::error, exchange::Fault};

/// Whether the data of an event begins as a JSON object does, so that it can only be a chunk.
pub(super) fn is_object(data: &[u8]) -> bool {
    data.first() == Some(&b'{') || data.trim_ascii_start().first() == Some(&b'{')
}

/// Whether the data is `[DONE]`, in any case and with white space around it.
pub(super) fn is_done(data: &[u8]) -> bool {
    data.trim_ascii().eq_ignore_ascii_case(b"[DONE]")
}

/// Whether the data is an end marker in a provider's own spelling (`DONE`, `"[DONE]"`), which only
/// counts behind a finish reason.
pub(super) fn is_end(data: &[u8]) -> bool {
    let data = data.trim_ascii();
    let word = data.strip_prefix(b"\"").and_then(|data| data.strip_suffix(b"\"")).unwrap_or(data);
    [&b"[DONE]"[..], b"DONE"].iter().any(|end| word.trim_ascii().eq_ignore_ascii_case(end))
}

/// The error in an array of objects, which is how Google's servers send one.
pub(super) fn error_in_array(data: &[u8]) -> Option<Fault> {
    #[derive(Deserialize)]
    struct Element<'a> {
        #[serde(borrow)]
        error: Option<&'a RawValue>,
    }
    if !data.trim_ascii_start().starts_with(b"[") {
        return None;
    }
    let elements: Vec<Element<'_>> = crate::json::read(data).ok()?;
    let error = elements.into_iter().find_map(|element| element.error)?;
    Some(Fault::Upstream(error::read_field(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_in_every_spelling() {
        for (data, done, end) in [
            ("[DONE]", true, true),
            ("[DONE] ", true, true),
            ("\t[done]\r", true, true),
            ("DONE", false, true),
            ("done ", false, true),
            ("\"[DONE]\"", false, true),
            ("\" DONE \"", false, true),
            ("[DONE", false, false),
            ("\"", false, false),
            ("", false, false),
            ("ping", false, false),
        ] {
            assert_eq!((is_done(data.as_bytes()), is_end(data.as_bytes())), (done, end), "{data}");
        }
    }

    #[test]
    fn an_error_may_stand_in_an_array() {
        let error = |data: &str| error_in_array(data.as_bytes()).map(|fault| fault.to_string());
        assert_eq!(error(r#" [{"error":{"code":503,"message":"m"}}]"#).as_deref(), Some("503: m"));
        for none in ["[]", "[1]", "[{\"error\":null}]", "[{}]", "[done]", "{\"error\":1}", "ping"] {
            assert_eq!(error(none), None, "{none}");
        }
    }
}
