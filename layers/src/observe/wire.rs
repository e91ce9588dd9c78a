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
pub(super) struct Present(pub(super) bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PresentVisitor)
    }
}

struct PresentVisitor;

impl<'de> Visitor<'de> for PresentVisitor {
    type Value = Present;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Present, E> {
        Ok(Present(false))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Present, E> {
        Ok(Present(value))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Present, E> {
        Ok(Present(true))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Present, E> {
        Ok(Present(true))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Present, E> {
        Ok(Present(true))
    }

    fn visit_str<E>(self, value: &str) -> Result<Present, E> {
        Ok(Present(!value.is_empty()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Present, A::Error> {
        let mut any = false;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            any = true;
        }
        Ok(Present(any))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Present, A::Error> {
        let mut any = false;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            any = true;
        }
        Ok(Present(any))
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
            assert_eq!(serde_json::from_str::<Present>(json).unwrap().0, present, "{json}");
        }
    }
}
