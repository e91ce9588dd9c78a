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
    /// Of several caps, also by one name, the largest: which of them a provider takes is not known.
    pub(super) cap: Option<u64>,
    pub(super) answers: Option<u64>,
    pub(super) is_empty: bool,
}

impl<'a> Fields<'a> {
    /// The error completes the sentence "the body is ...".
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        // serde_json does not validate strings that it skips.
        let text = simdutf8::compat::from_utf8(bytes).map_err(|error| {
            format!("not valid JSON: it is not UTF-8 at byte {}", error.valid_up_to())
        })?;
        let read = |reads_numbers| {
            let mut json = serde_json::Deserializer::from_str(text);
            let fields = json.deserialize_any(ObjectVisitor { reads_numbers })?;
            json.end().map(|()| fields)
        };
        // A cap that cannot even be looked at is no reason to refuse the body.
        read(true).or_else(|_| read(false)).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => error.to_string(),
            _ => format!("not valid JSON: {error}"),
        })
    }
}

struct ObjectVisitor {
    reads_numbers: bool,
}

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
                Key::Cap if self.reads_numbers => {
                    fields.cap = fields.cap.max(number(map.next_value()?));
                    continue;
                }
                Key::Answers if self.reads_numbers => {
                    fields.answers = fields.answers.max(number(map.next_value()?));
                    continue;
                }
                Key::AlmostModel => {
                    // Some servers read names without case, and the last one counts.
                    return Err(A::Error::custom("ambiguous: `model` stands there in capitals"));
                }
                key @ (Key::Models | Key::Cap | Key::Answers | Key::Other) => {
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

/// However it is written: some take `1e5` for a whole number. What is none is ignored.
fn number(raw: &RawValue) -> Option<u64> {
    let whole = serde_json::from_str(raw.get()).ok();
    whole.or_else(|| {
        let number: f64 = serde_json::from_str(raw.get()).ok()?;
        // The cast saturates.
        (number >= 0.0).then(|| number.ceil() as u64)
    })
}

enum Key {
    Model,
    Stream,
    StreamOptions,
    /// Of an answer's tokens, by any of its names.
    Cap,
    Answers,
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
                    "max_tokens" | "max_completion_tokens" | "max_output_tokens" => Key::Cap,
                    "n" => Key::Answers,
                    key if key.eq_ignore_ascii_case("model") => Key::AlmostModel,
                    key if key.eq_ignore_ascii_case("models") => Key::Models,
                    _ => Key::Other,
                })
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}
