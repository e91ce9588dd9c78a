//! Pieces of JSON that are looked at without being kept.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// A string, borrowed where it has no escapes.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Whether something is there: not null, not empty, not false.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Present<'a> {
    #[default]
    No,
    /// A string without escapes.
    Text(&'a str),
    Other,
}

impl Present<'_> {
    pub(super) fn is_there(self) -> bool {
        !matches!(self, Self::No)
    }

    fn other(is_there: bool) -> Self {
        if is_there { Self::Other } else { Self::No }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Present<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PresentVisitor)
    }
}

struct PresentVisitor;

impl<'de> Visitor<'de> for PresentVisitor {
    type Value = Present<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Present::No)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Present::other(value))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Present::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Present::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Present::Other)
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(if value.is_empty() { Present::No } else { Present::Text(value) })
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Present::other(!value.is_empty()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut any = false;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            any = true;
        }
        Ok(Present::other(any))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut any = false;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            any = true;
        }
        Ok(Present::other(any))
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
            ("{}", false),
            ("false", false),
            ("\"a\"", true),
            ("\"\\u2028\"", true),
            ("[null]", true),
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
}
