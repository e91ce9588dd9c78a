//! UTF-16 surrogate pairs that are split between two pieces of a text.

use std::borrow::Cow;

use memchr::{memchr, memmem};

use super::json::Put;

/// Joins surrogate pairs that are split between two pieces: `\ud83d` at the end of one, `\ude80` at
/// the beginning of the next. A surrogate without its other half becomes one U+FFFD.
#[derive(Debug, Default)]
pub(super) struct SurrogateJoiner {
    /// The high surrogate that ended the last piece.
    high: Option<u16>,
}

impl SurrogateJoiner {
    /// Whether the last piece ended in a high surrogate.
    pub(super) fn is_pending(&self) -> bool {
        self.high.is_some()
    }

    /// The next piece, the inside of a JSON string, with its `\u` escapes replaced. A high surrogate
    /// at its end is kept back.
    pub(super) fn join<'a>(&mut self, piece: &'a str) -> Cow<'a, str> {
        if self.high.is_none() && memmem::find(piece.as_bytes(), b"\\u").is_none() {
            return piece.into();
        }
        let mut out = Vec::with_capacity(piece.len() + 4);
        let mut rest = piece;
        while !rest.is_empty() {
            if let Some((unit, behind)) = split_unit(rest) {
                self.add(unit, &mut out);
                rest = behind;
                continue;
            }
            self.give_up(&mut out);
            // Another escape has two characters.
            let from = if rest.starts_with('\\') { 2 } else { 0 };
            let more = rest.as_bytes().get(from..).and_then(|bytes| memchr(b'\\', bytes));
            let end = more.map_or(rest.len(), |at| from + at);
            out.put(&rest[..end]);
            rest = &rest[end..];
        }
        String::from_utf8(out).unwrap_or_default().into()
    }

    /// Ends the text; gives the replacement of a surrogate that was kept back.
    pub(super) fn end(&mut self) -> Option<&'static str> {
        self.high.take().map(|_| "\u{fffd}")
    }

    fn add(&mut self, unit: u16, out: &mut Vec<u8>) {
        if let (Some(high), 0xdc00..=0xdfff) = (self.high, unit) {
            self.high = None;
            for decoded in char::decode_utf16([high, unit]) {
                put_char(decoded.unwrap_or(char::REPLACEMENT_CHARACTER), out);
            }
            return;
        }
        self.give_up(out);
        if (0xd800..0xdc00).contains(&unit) {
            self.high = Some(unit);
        } else {
            // A second half without a first is none.
            let single = char::from_u32(unit.into());
            put_char(single.unwrap_or(char::REPLACEMENT_CHARACTER), out);
        }
    }

    fn give_up(&mut self, out: &mut Vec<u8>) {
        out.put(self.end().unwrap_or_default());
    }
}

/// JSON text with its `\u` escapes replaced, lone surrogates by U+FFFD.
pub(super) fn joined(json: &str) -> Cow<'_, str> {
    let mut halves = SurrogateJoiner::default();
    let mut joined = halves.join(json);
    if let Some(end) = halves.end() {
        joined.to_mut().push_str(end);
    }
    joined
}

/// A `\u` escape at the beginning of the text, and what stands behind it.
fn split_unit(text: &str) -> Option<(u16, &str)> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let unit = u16::from_str_radix(digits, 16).ok()?;
    Some((unit, &text[6..]))
}

fn put_char(char: char, out: &mut Vec<u8>) {
    out.escaped(char.encode_utf8(&mut [0; 4]));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::json::decoded, *};

    fn join<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut halves = SurrogateJoiner::default();
        let mut seen: Vec<_> =
            pieces.into_iter().map(|piece| halves.join(piece).into_owned()).collect();
        seen.extend(halves.end().map(str::to_owned));
        seen
    }

    #[test]
    fn pairs_are_joined_and_halves_are_replaced_once() {
        for (pieces, expected) in [
            (&["go \\ud83d", "\\ude80 now"][..], &["go ", "🚀 now"][..]),
            (&["\\ud83d", "", "\\ude80"], &["", "", "🚀"]),
            (&["\\ud83d\\ude80"], &["🚀"]),
            (&["\\uD83D", "\\uDE80"], &["", "🚀"]),
            (&["a\\ud83d", "b"], &["a", "\u{fffd}b"]),
            (&["a\\ud83d"], &["a", "\u{fffd}"]),
            (&["\\ude80a"], &["\u{fffd}a"]),
            (&["\\ud83d\\ud83d", "\\ude80"], &["\u{fffd}", "🚀"]),
            (&["\\ud83d", "\\n\\ude80"], &["", "\u{fffd}\\n\u{fffd}"]),
            (&["\\ud83d", "\\u0041"], &["", "\u{fffd}A"]),
            // Of an escaped backslash: no half.
            (&["\\\\ud83d", "\\\\ude80"], &["\\\\ud83d", "\\\\ude80"]),
            (&["\\\\\\ud83d", "\\ude80\\\\u"], &["\\\\", "🚀\\\\u"]),
            (&["\\u0022\\u005c\\u000a\\u00e9\\u0001"], &["\\\"\\\\\\né\\u0001"]),
            (&["plain \\n \\/"], &["plain \\n \\/"]),
        ] {
            assert_eq!(join(pieces.iter().copied()), expected, "{pieces:?}");
        }
        assert_eq!(joined(r#"{"a":"\ud83d","b":"\ud83d\ude80"}"#), r#"{"a":"�","b":"🚀"}"#);
    }

    proptest! {
        #[test]
        fn any_cut_between_units_gives_the_text(
            text in any::<String>(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let units: Vec<_> = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(units.len() + 1)).collect();
            cuts.extend([0, units.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|cut| units[cut[0]..cut[1]].concat()).collect();
            let joined = join(pieces.iter().map(|piece| &**piece)).concat();
            prop_assert_eq!(decoded(&joined), text);
        }

        #[test]
        fn whatever_is_cut_is_sound(
            units in prop::collection::vec(
                prop::sample::select(vec!["\\ud83d", "\\ude80", "\\\\", "\\u0041", "\\n", "a", "é"]),
                0..12,
            ),
        ) {
            let by_unit = join(units.iter().copied()).concat();
            let whole = units.concat();
            prop_assert_eq!(&by_unit, &joined(&whole));
            let parsed: String = serde_json::from_str(&format!("\"{by_unit}\"")).unwrap();
            prop_assert_eq!(parsed, String::from_utf16_lossy(
                &serde_json::from_str::<Units>(&format!("\"{whole}\"")).unwrap().0,
            ));
        }
    }

    /// The code units of a JSON string, halves included.
    struct Units(Vec<u16>);

    impl<'de> serde::Deserialize<'de> for Units {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?;
            let (mut units, mut rest) = (Vec::new(), raw.get().trim_matches('"'));
            while let Some(first) = rest.chars().next() {
                if let Some((unit, behind)) = split_unit(rest) {
                    units.push(unit);
                    rest = behind;
                    continue;
                }
                let (char, len) = match (first, rest.as_bytes().get(1)) {
                    ('\\', Some(b'n')) => ('\n', 2),
                    ('\\', _) => ('\\', 2),
                    (first, _) => (first, first.len_utf8()),
                };
                units.extend_from_slice(char.encode_utf16(&mut [0; 2]));
                rest = &rest[len..];
            }
            Ok(Self(units))
        }
    }
}
