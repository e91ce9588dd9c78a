//! Pieces of JSON that are looked at without being kept, and what reading them gives.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Result of reading an event whose data has the form of a JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Passes,
    /// Usage and nothing else, which only goes to clients that have asked for it.
    UsageOnly,
    /// Not JSON of the expected shape, and why.
    Malformed(&'static str),
}

pub(super) const NOT_JSON: &str = "an event is not JSON of the expected shape";

/// A string, borrowed where it has no escapes.
#[derive(Debug, PartialEq, Eq, Hash, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Something, as it stands there: a piece of a text need not be text by itself.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Present<'a>(#[serde(borrow)] pub(super) Option<&'a RawValue>);

impl<'a> Present<'a> {
    /// Whether it is there: not null, not empty, not false.
    pub(super) fn is_there(self) -> bool {
        match self.0.map(RawValue::get) {
            None | Some("null" | "false" | "\"\"") => false,
            Some(raw) => {
                let inside = raw.strip_prefix(['[', '{']).map(str::trim_ascii_start);
                !matches!(inside, Some("]" | "}"))
            }
        }
    }

    /// The inside of the last string in it, also if it is one itself.
    pub(super) fn last_string(self) -> Option<&'a str> {
        let raw = self.0?.get();
        let (mut last, mut start) = (None, None);
        let mut bytes = raw.bytes().enumerate();
        while let Some((at, byte)) = bytes.next() {
            match (byte, start) {
                (b'"', None) => start = Some(at + 1),
                (b'"', Some(start_of)) => {
                    last = Some(&raw[start_of..at]);
                    start = None;
                }
                // Only in a string; whatever is escaped is none of its ends.
                (b'\\', _) => drop(bytes.next()),
                _ => {}
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence() {
        for (json, present) in [
            ("null", false),
            ("\"\"", false),
            ("[]", false),
            ("[ ]", false),
            ("{}", false),
            ("{\n}", false),
            ("false", false),
            ("\"a\"", true),
            ("\"]\"", true),
            ("\"\\u2028\"", true),
            ("\"\\ud83d\"", true),
            ("[null]", true),
            ("[\"\"]", true),
            ("{\"a\":null}", true),
            ("0", true),
            ("-1", true),
            ("1.5", true),
            ("true", true),
        ] {
            let read = serde_json::from_str::<Present<'_>>(json).unwrap();
            assert_eq!(read.is_there(), present, "{json}");
        }
    }

    #[test]
    fn the_last_string() {
        for (json, text) in [
            ("\"a\"", Some("a")),
            (r#""a\"b\\""#, Some(r#"a\"b\\"#)),
            (r#"["a",{"b":"c","d":1,"e":""},null]"#, Some("")),
            (r#"[{"function":{"arguments":"{\"a"}}]"#, Some(r#"{\"a"#)),
            ("[1]", None),
            ("null", None),
        ] {
            let read = serde_json::from_str::<Present<'_>>(json).unwrap();
            assert_eq!(read.last_string(), text, "{json}");
        }
    }
}
