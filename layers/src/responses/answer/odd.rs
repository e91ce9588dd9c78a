//! Events of a stream that are no chunks.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{classify::error, exchange::Fault};

/// Whether the data of an event can only be a chunk: it begins as an object does. All else is a
/// heartbeat, an end, or nothing that any reader knows.
pub(super) fn is_object(data: &[u8]) -> bool {
    data.first() == Some(&b'{') || data.trim_ascii_start().first() == Some(&b'{')
}

/// The end of a stream as it should be written, but for white space and case.
pub(super) fn is_done(data: &[u8]) -> bool {
    data.trim_ascii().eq_ignore_ascii_case(b"[DONE]")
}

/// The end of a stream as some providers write it: only behind a finish reason it can be nothing
/// else.
pub(super) fn is_end(data: &[u8]) -> bool {
    let data = data.trim_ascii();
    let word = data.strip_prefix(b"\"").and_then(|data| data.strip_suffix(b"\"")).unwrap_or(data);
    [&b"[DONE]"[..], b"DONE"].iter().any(|end| word.trim_ascii().eq_ignore_ascii_case(end))
}

/// Google's servers wrap an error into an array.
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
