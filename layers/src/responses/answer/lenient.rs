//! JSON values that providers write in more than one way.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::json::inside;

/// A string, borrowed where it has no escapes. A number counts as its digits, all else as nothing.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

/// Content: a string, or an array of parts. Its texts are insides of JSON strings.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) thinking: String,
    pub(super) refusal: String,
}

/// A part of content: `text`, `thinking` (Mistral's, with parts of its own) or `refusal`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
}

#[derive(Clone, Copy, Debug)]
enum ContentKind {
    Text,
    Thinking,
    Refusal,
}

impl Content {
    /// Parts in parts, deeper than anybody writes them.
    const MAX_DEPTH: u32 = 8;

    pub(super) fn read(raw: &RawValue) -> Self {
        let mut content = Self::default();
        content.add(raw, ContentKind::Text, 0);
        content
    }

    fn add(&mut self, raw: &RawValue, kind: ContentKind, depth: u32) {
        let json = raw.get();
        match json.as_bytes().first() {
            _ if depth > Self::MAX_DEPTH => {}
            Some(b'"') => {
                let text = match kind {
                    ContentKind::Text => &mut self.text,
                    ContentKind::Thinking => &mut self.thinking,
                    ContentKind::Refusal => &mut self.refusal,
                };
                text.push_str(inside(raw).unwrap_or_default());
            }
            Some(b'[') => {
                let parts = serde_json::from_str::<Vec<&RawValue>>(json).unwrap_or_default();
                parts.into_iter().for_each(|part| self.add(part, kind, depth + 1));
            }
            Some(b'{') => {
                let part = serde_json::from_str::<Part<'_>>(json).unwrap_or_default();
                for (field, kind) in [
                    (part.text, kind),
                    (part.thinking, ContentKind::Thinking),
                    (part.refusal, ContentKind::Refusal),
                ] {
                    field.into_iter().for_each(|raw| self.add(raw, kind, depth + 1));
                }
            }
            _ => {}
        }
    }
}

/// A count or an index: an integer, a float, or digits in a string. All else is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Number(pub(super) Option<u64>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(text.into()))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(text.to_owned().into()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Text(number.to_string().into()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Text(number.to_string().into()))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Text(number.to_string().into()))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Text::default())
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                IgnoredAny.visit_seq(seq).map(|_| Text::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                IgnoredAny.visit_map(map).map(|_| Text::default())
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?.0;
        let float = || text.parse::<f64>().ok().filter(|float| *float >= 0.0);
        Ok(Self(text.parse().ok().or_else(|| float().map(|float| float as u64))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_in_every_shape() {
        for (json, text, thinking) in [
            (r#""a\nb""#, r"a\nb", ""),
            (r#"[{"text":"a\ud83d"},{"text":"\ude80"}]"#, r"a\ud83d\ude80", ""),
            ("null", "", ""),
            ("7", "", ""),
            (r#"[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#, "ab", ""),
            (r#"["a",null,{"text":"b"}]"#, "ab", ""),
            (r#"[{"type":"thinking","thinking":[{"type":"text","text":"t"}]}]"#, "", "t"),
            (r#"{"type":"thinking","thinking":"t","signature":"s"}"#, "", "t"),
        ] {
            let content = Content::read(serde_json::from_str(json).unwrap());
            assert_eq!((&*content.text, &*content.thinking), (text, thinking), "{json}");
        }
        let deep = format!("{}\"a\"{}", "[".repeat(100_000), "]".repeat(100_000));
        let raw = RawValue::from_string(deep).unwrap();
        assert_eq!(Content::read(&raw).text, "");
    }

    #[test]
    fn numbers_in_every_shape() {
        for (json, number) in [
            ("3", Some(3)),
            ("3.0", Some(3)),
            ("3.9", Some(3)),
            ("\"3\"", Some(3)),
            ("-3", None),
            ("null", None),
            ("\"x\"", None),
            ("[3]", None),
            ("18446744073709551615", Some(u64::MAX)),
        ] {
            assert_eq!(serde_json::from_str::<Number>(json).unwrap().0, number, "{json}");
        }
    }
}
