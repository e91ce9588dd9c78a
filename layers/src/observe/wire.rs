//! Pieces of JSON that are looked at without being kept.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// Reads JSON as it came. Its UTF-8 is checked in one go, which costs a tenth of checking each of
/// its strings; where it is not sound, only those that are looked at have to be.
pub(super) fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(json) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(json),
    }
}

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
    fn a_text_that_nobody_looks_at_need_not_be_sound() {
        #[derive(Deserialize)]
        struct Wire<'a> {
            #[serde(borrow)]
            a: Text<'a>,
        }
        let a = |json| read::<Wire<'_>>(json).map(|wire| wire.a.0.into_owned()).ok();
        assert_eq!(a(r#"{"a":"é","b":"ü"}"#.as_bytes()).as_deref(), Some("é"));
        assert_eq!(a(b"{\"a\":\"x\",\"b\":\"\xff\"}").as_deref(), Some("x"));
        assert_eq!(a(b"{\"a\":\"\xff\"}"), None);
        assert_eq!(a(b"{\"a\":\"x\""), None);
    }

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
