//! An incremental check whether JSON text that arrives in pieces is complete.

use serde::de::IgnoredAny;

use super::json::decoded;

/// A scanner that knows whether an object, array or string is complete, given as the inside of a
/// JSON string. It reads each byte once, however often it is asked.
#[derive(Debug, Default)]
pub(super) struct JsonScan {
    /// Bytes read so far.
    at: usize,
    state: ScanState,
    depth: u32,
    in_string: bool,
    /// Behind a backslash of a string.
    is_escaped: bool,
    /// The parser's verdict on a text of this length.
    parsed: Option<(usize, bool)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ScanState {
    #[default]
    Before,
    Inside,
    Whole,
    /// Other text, or text with something behind its end.
    Other,
}

impl JsonScan {
    /// Whether this text is complete by itself.
    pub(super) fn is_whole(inside: &str) -> bool {
        Self::default().read(inside)
    }

    /// Reads on in a text that has only grown since the last call; gives whether it is complete.
    pub(super) fn read(&mut self, inside: &str) -> bool {
        let mut bytes = inside.as_bytes()[self.at..].iter();
        while let Some(&byte) = bytes.next() {
            let byte = match byte {
                b'\\' => match bytes.next() {
                    Some(&escaped @ (b'"' | b'\\')) => escaped,
                    Some(b'n' | b'r' | b't') => b' ',
                    _ => b'u',
                },
                other => other,
            };
            self.step(byte);
        }
        self.at = inside.len();
        self.state == ScanState::Whole && self.parses(inside)
    }

    /// Whether it is valid JSON: matching brackets are not enough.
    fn parses(&mut self, inside: &str) -> bool {
        if let Some((length, parses)) = self.parsed
            && length == inside.len()
        {
            return parses;
        }
        let parses = serde_json::from_str::<IgnoredAny>(&decoded(inside)).is_ok();
        self.parsed = Some((inside.len(), parses));
        parses
    }

    fn step(&mut self, byte: u8) {
        match (self.state, byte) {
            (ScanState::Inside, _) if self.is_escaped => self.is_escaped = false,
            (ScanState::Inside, b'\\') if self.in_string => self.is_escaped = true,
            (ScanState::Inside, b'"') if self.in_string => {
                self.in_string = false;
                self.end_at_depth_zero();
            }
            (ScanState::Inside, _) if self.in_string => {}
            (ScanState::Before | ScanState::Whole, b' ' | b'\n' | b'\r' | b'\t') => {}
            (ScanState::Before | ScanState::Inside, b'"') => {
                self.in_string = true;
                self.state = ScanState::Inside;
            }
            (ScanState::Before | ScanState::Inside, b'{' | b'[') => {
                self.depth = self.depth.saturating_add(1);
                self.state = ScanState::Inside;
            }
            (ScanState::Inside, b'}' | b']') => {
                self.depth = self.depth.saturating_sub(1);
                self.end_at_depth_zero();
            }
            (ScanState::Inside, _) => {}
            _ => self.state = ScanState::Other,
        }
    }

    fn end_at_depth_zero(&mut self) {
        if self.depth == 0 {
            self.state = ScanState::Whole;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::json::escaped, *};

    #[test]
    fn what_is_whole() {
        for (text, is_whole) in [
            ("{}", true),
            (r#" {"a": "}\"{", "b": [1, {}]} "#, true),
            ("\n[1]\n", true),
            (r#""a\\""#, true),
            (r#""a\""#, false),
            (r#"{"a": "}"#, false),
            ("{}}", false),
            ("{}{}", false),
            ("{a}", false),
            ("{]", false),
            ("}", false),
            ("1", false),
            ("null", false),
            ("*** Begin {}", false),
            ("", false),
        ] {
            assert_eq!(JsonScan::is_whole(&escaped(text)), is_whole, "{text}");
        }
    }

    proptest! {
        #[test]
        fn asked_at_any_place_it_says_what_a_parser_says(text in r#"[{}\[\]"\\:, a1\n]{0,14}"#) {
            let inside = escaped(&text);
            let mut scan = JsonScan::default();
            let mut grown = String::new();
            for char in text.chars() {
                grown.push_str(&escaped(char.encode_utf8(&mut [0; 4])));
                let read = decoded(&grown);
                let begins = read.trim_start().starts_with(['{', '[', '"']);
                let parses = serde_json::from_str::<IgnoredAny>(&read).is_ok();
                prop_assert_eq!(scan.read(&grown), begins && parses, "{}", read);
            }
            prop_assert_eq!(JsonScan::is_whole(&inside), scan.read(&inside));
        }
    }
}
