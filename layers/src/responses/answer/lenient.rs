//! JSON values that providers write in more than one way.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// A string, borrowed where it has no escapes. A number counts as its digits, all else as nothing.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

/// Content: a string, or an array of parts.
#[derive(Debug, Default)]
pub(super) struct Content<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) thinking: Cow<'a, str>,
    pub(super) refusal: Cow<'a, str>,
}

impl<'a> Content<'a> {
    fn of_text(text: Cow<'a, str>) -> Self {
        Self { text, ..Self::default() }
    }

    fn add(&mut self, part: Part<'a>) {
        append(&mut self.text, part.text.0);
        append(&mut self.thinking, part.thinking.text);
        append(&mut self.refusal, part.refusal.0);
    }
}

/// A part of content: `text`, `thinking` (Mistral's, with parts of its own) or `refusal`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    thinking: Content<'a>,
    #[serde(borrow)]
    refusal: Text<'a>,
}

/// Appends without a copy where there was nothing.
fn append<'a>(to: &mut Cow<'a, str>, more: Cow<'a, str>) {
    if to.is_empty() {
        *to = more;
    } else {
        to.to_mut().push_str(&more);
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

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;
        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = Content<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of parts")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Content::of_text(text.into()))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Content::of_text(text.to_owned().into()))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut content = Content::default();
                while let Some(part) = seq.next_element::<Content<'de>>()? {
                    append(&mut content.text, part.text);
                    append(&mut content.thinking, part.thinking);
                    append(&mut content.refusal, part.refusal);
                }
                Ok(content)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let mut content = Content::default();
                content.add(Part::deserialize(MapAccessDeserializer::new(map))?);
                Ok(content)
            }
        }
        deserializer.deserialize_any(ContentVisitor)
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
            (r#""a\nb""#, "a\nb", ""),
            ("null", "", ""),
            ("7", "", ""),
            (r#"[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#, "ab", ""),
            (r#"["a",null,{"text":"b"}]"#, "ab", ""),
            (r#"[{"type":"thinking","thinking":[{"type":"text","text":"t"}]}]"#, "", "t"),
            (r#"{"type":"thinking","thinking":"t","signature":"s"}"#, "", "t"),
        ] {
            let content: Content<'_> = serde_json::from_str(json).unwrap();
            assert_eq!((&*content.text, &*content.thinking), (text, thinking), "{json}");
        }
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
