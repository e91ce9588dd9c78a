use std::fmt;

use serde::{
    Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The fields of interest as they stand in the bytes.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) model: Option<&'a RawValue>,
    pub(super) stream: Option<&'a RawValue>,
    pub(super) stream_options: Option<&'a RawValue>,
    pub(super) names_others: bool,
    pub(super) is_empty: bool,
}

impl<'a> Fields<'a> {
    /// The error completes the sentence "the body is ...".
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let read =
            json.deserialize_any(ObjectVisitor).and_then(|fields| json.end().map(|()| fields));
        read.map_err(|error| match error.classify() {
            serde_json::error::Category::Data => error.to_string(),
            _ => format!("not valid JSON: {error}"),
        })
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields { is_empty: true, ..Fields::default() };
        while let Some(key) = map.next_key::<Key>()? {
            fields.is_empty = false;
            let slot = match key {
                Key::Model => &mut fields.model,
                Key::Stream => &mut fields.stream,
                Key::StreamOptions => &mut fields.stream_options,
                Key::AlmostModel => {
                    // Some servers read names without case, and the last one counts.
                    return Err(A::Error::custom("ambiguous: `model` stands there in capitals"));
                }
                key @ (Key::Models | Key::Other) => {
                    fields.names_others |= matches!(key, Key::Models);
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if slot.replace(map.next_value()?).is_some() {
                // Two readers could disagree on which one counts.
                return Err(A::Error::custom(
                    "ambiguous: one of `model`, `stream` and `stream_options` stands there twice",
                ));
            }
        }
        Ok(fields)
    }
}

enum Key {
    Model,
    Stream,
    StreamOptions,
    /// In other letters.
    AlmostModel,
    /// In any letters.
    Models,
    Other,
}

impl<'de> serde::Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                Ok(match key {
                    "model" => Key::Model,
                    "stream" => Key::Stream,
                    "stream_options" => Key::StreamOptions,
                    key if key.eq_ignore_ascii_case("model") => Key::AlmostModel,
                    key if key.eq_ignore_ascii_case("models") => Key::Models,
                    _ => Key::Other,
                })
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}
