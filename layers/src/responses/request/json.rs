//! Pieces of JSON as they stand in the request.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

use super::invalid::{At, Invalid};

/// A struct of fields that are borrowed as they stand; absent and null are `None`, other fields are
/// passed over.
macro_rules! borrowed {
    ($(#[$meta:meta])* $name:ident { $($field:ident: $key:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, serde::Deserialize)]
        pub(super) struct $name<'a> {
            $(#[serde(borrow, rename = $key)]
            pub(super) $field: Option<&'a serde_json::value::RawValue>,)*
        }

        impl $crate::responses::request::json::MayBeEmpty for $name<'_> {
            fn is_empty(&self) -> bool {
                $(self.$field.is_none())&&*
            }
        }
    };
}
pub(super) use borrowed;

/// What a visitor makes of everything that is no object.
macro_rules! otherwise {
    ($value:expr) => {
        fn visit_seq<A: serde::de::SeqAccess<'de>>(
            self,
            mut seq: A,
        ) -> Result<Self::Value, A::Error> {
            while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
            Ok($value)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($value)
        }
    };
}
pub(super) use otherwise;

/// What kind of value a field takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Boolean,
    Number,
    Integer,
    Text,
    Object,
    Array,
    TextOrObject,
}

impl Shape {
    pub(super) fn check(self, raw: &RawValue, at: At<'_>) -> Result<(), Invalid> {
        let json = raw.get();
        let first = json.as_bytes().first().copied().unwrap_or_default();
        let number = first == b'-' || first.is_ascii_digit();
        let (fits, what) = match self {
            Self::Boolean => (matches!(first, b't' | b'f'), "a boolean"),
            Self::Number => (number, "a number"),
            Self::Integer => (number && json.parse::<u64>().is_ok(), "a whole number"),
            Self::Text => (first == b'"', "a string"),
            Self::Object => (first == b'{', "an object"),
            Self::Array => (first == b'[', "an array"),
            Self::TextOrObject => (matches!(first, b'"' | b'{'), "a string or an object"),
        };
        if fits { Ok(()) } else { Err(Invalid::new(at, format_args!("must be {what}"))) }
    }
}

/// What must be there.
pub(super) fn required<T>(value: Option<T>, at: At<'_>) -> Result<T, Invalid> {
    value.ok_or_else(|| Invalid::new(at, "is missing"))
}

/// What stands between the quotes of a string, with its escapes.
pub(super) fn inside<'a>(raw: &'a RawValue, at: At<'_>) -> Result<&'a str, Invalid> {
    Shape::Text.check(raw, at)?;
    let json = raw.get();
    Ok(&json[1..json.len() - 1])
}

/// The value of a string, borrowed where it has no escapes.
pub(super) fn text<'a>(raw: &'a RawValue, at: At<'_>) -> Result<Cow<'a, str>, Invalid> {
    let inside = inside(raw, at)?;
    if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(inside));
    }
    let decoded = serde_json::from_str(raw.get());
    decoded.map(Cow::Owned).map_err(|_| Invalid::new(at, "is not valid Unicode"))
}

/// The fields of an object.
pub(super) fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue, at: At<'_>) -> Result<T, Invalid> {
    Shape::Object.check(raw, at)?;
    parse(raw, at)
}

/// The elements of an array.
pub(super) fn array<'a, T: Deserialize<'a> + MayBeEmpty>(
    raw: &'a RawValue,
    at: At<'_>,
) -> Result<Elements<T>, Invalid> {
    Shape::Array.check(raw, at)?;
    parse(raw, at)
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue, at: At<'_>) -> Result<T, Invalid> {
    let parsed = serde_json::from_str(raw.get());
    parsed.map_err(|error| Invalid::new(at, format_args!("has a fault: {error}")))
}

/// An element of an array of objects; `None` when it is none. An array of these is read in one
/// pass, and who reads it can still say which one is wrong.
#[derive(Debug)]
pub(super) struct Element<T>(Option<T>);

impl<T> Element<T> {
    pub(super) fn object(self, at: At<'_>) -> Result<T, Invalid> {
        self.0.ok_or_else(|| Invalid::new(at, "must be an object"))
    }

    pub(super) const fn none() -> Self {
        Self(None)
    }

    pub(super) const fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T> From<T> for Element<T> {
    fn from(object: T) -> Self {
        Self(Some(object))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ElementVisitor(PhantomData))
    }
}

struct ElementVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ElementVisitor<T> {
    type Value = Element<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Element<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|object| Element(Some(object)))
    }

    otherwise!(Element(None));
}

/// An object that may have none of the fields that mean something.
pub(super) trait MayBeEmpty {
    fn is_empty(&self) -> bool;
}

/// The elements of an array, up to the first that is no object or an empty one: such an array is
/// refused anyway, and a long one must not take many times its size in memory.
#[derive(Debug)]
pub(super) struct Elements<T>(pub(super) Vec<Element<T>>);

impl<'de, T: Deserialize<'de> + MayBeEmpty> Deserialize<'de> for Elements<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ElementsVisitor(PhantomData))
    }
}

struct ElementsVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + MayBeEmpty> Visitor<'de> for ElementsVisitor<T> {
    type Value = Elements<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements<T>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element::<Element<T>>()? {
            let is_sound = element.get().is_some_and(|object| !object.is_empty());
            elements.push(element);
            if !is_sound {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
            }
        }
        Ok(Elements(elements))
    }
}

/// A key, borrowed where it has no escapes.
#[derive(Debug)]
pub(super) struct Key<'de>(Cow<'de, str>);

impl<'de> Key<'de> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The first byte of its value, if the key was borrowed from `json`: a value can then be read
    /// as what it is in one pass.
    pub(super) fn value_begins(&self, json: &'de str) -> Option<u8> {
        let Cow::Borrowed(key) = self.0 else { return None };
        let end = (key.as_ptr() as usize + key.len()).checked_sub(json.as_ptr() as usize)?;
        let behind = json.as_bytes().get(end..)?.strip_prefix(b"\"")?.trim_ascii_start();
        behind.strip_prefix(b":")?.trim_ascii_start().first().copied()
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(key.to_owned())))
    }
}
