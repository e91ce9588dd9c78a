//! Parses the elements of an array or object one by one.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::invalid::{At, Invalid};

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

/// An element of an array of objects; `None` when it is not an object. The array is read in one
/// pass, and errors can still name the wrong element.
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
