//! JSON, written by hand into a buffer.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de::Visitor};
use serde_json::value::RawValue;

/// Appends pieces of JSON.
pub(super) trait Put {
    /// What is JSON already.
    fn put(&mut self, json: &str) -> &mut Self;

    /// What is JSON already, as bytes.
    fn bytes(&mut self, json: &[u8]) -> &mut Self;

    /// A number.
    fn number(&mut self, number: u64) -> &mut Self;

    /// Text as the inside of a string: escaped, without the quotes.
    fn escaped(&mut self, text: &str) -> &mut Self;

    /// A string.
    fn string(&mut self, text: &str) -> &mut Self {
        self.put("\"").escaped(text).put("\"")
    }
}

impl Put for Vec<u8> {
    fn put(&mut self, json: &str) -> &mut Self {
        self.extend_from_slice(json.as_bytes());
        self
    }

    fn bytes(&mut self, json: &[u8]) -> &mut Self {
        self.extend_from_slice(json);
        self
    }

    fn number(&mut self, mut number: u64) -> &mut Self {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.bytes(&digits[at..])
    }

    fn escaped(&mut self, text: &str) -> &mut Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut rest = text.as_bytes();
        loop {
            let (plain, special) = rest.split_at(plain(rest));
            self.extend_from_slice(plain);
            let Some((&byte, behind)) = special.split_first() else { return self };
            rest = behind;
            match byte {
                b'"' | b'\\' => self.extend_from_slice(&[b'\\', byte]),
                b'\n' => self.extend_from_slice(b"\\n"),
                b'\r' => self.extend_from_slice(b"\\r"),
                b'\t' => self.extend_from_slice(b"\\t"),
                _ => {
                    let [high, low] = [byte >> 4, byte & 15].map(|half| HEX[usize::from(half)]);
                    self.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
                }
            }
        }
    }
}

/// How many bytes at the start need no escape.
fn plain(bytes: &[u8]) -> usize {
    let is_special = |byte: u8| (byte < b' ') | (byte == b'"') | (byte == b'\\');
    // Without a branch per byte, which compilers turn into one step per block.
    let has_special = |block: &[u8]| block.iter().fold(false, |any, &byte| any | is_special(byte));
    let (blocks, _) = bytes.as_chunks::<16>();
    let at = 16 * blocks.iter().take_while(|block| !has_special(&block[..])).count();
    bytes[at..].iter().position(|&byte| is_special(byte)).map_or(bytes.len(), |more| at + more)
}

/// The inside of a JSON string as text, borrowed where it has no escapes.
pub(super) fn decoded(inside: &str) -> Cow<'_, str> {
    if !inside.contains('\\') {
        return inside.into();
    }
    let Lossy(text) = serde_json::from_str(&format!("\"{inside}\"")).unwrap_or_default();
    text.into()
}

/// The inside of a JSON string, as it is.
pub(super) fn inside(string: &RawValue) -> Option<&str> {
    string.get().strip_prefix('"')?.strip_suffix('"')
}

/// Text as the inside of a JSON string.
pub(super) fn escaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 8);
    out.escaped(text);
    String::from_utf8(out).unwrap_or_default()
}

/// A string in which halves of pairs are replaced.
#[derive(Default)]
struct Lossy(String);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LossyVisitor;
        impl Visitor<'_> for LossyVisitor {
            type Value = Lossy;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Lossy, E> {
                Ok(Lossy(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(LossyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_reads_back(text in any::<String>(), number: u64) {
            let mut out = Vec::new();
            out.put("[").string(&text).put(",").number(number).put("]");
            let read: (String, u64) = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(&read, &(text.clone(), number));
            let inside = escaped(&text);
            prop_assert_eq!(decoded(&inside), text);
        }
    }

    #[test]
    fn only_strings_have_an_inside() {
        for (json, passed) in [
            (r#""a\n\/""#, Some(r"a\n\/")),
            (r#""\ud83d""#, Some(r"\ud83d")),
            (r#""""#, Some("")),
            ("7", None),
            ("null", None),
        ] {
            let raw = RawValue::from_string(json.to_owned()).unwrap();
            assert_eq!(inside(&raw), passed, "{json}");
        }
    }

    #[test]
    fn every_control_character_is_escaped() {
        let text: String = (0..0x80u8).map(char::from).collect();
        let mut out = Vec::new();
        out.string(&text);
        assert!(out.iter().all(|&byte| byte >= b' '));
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }
}
