//! Pieces of JSON as they stand in the request.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    elements::{Elements, MayBeEmpty},
    invalid::{At, Invalid},
};

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

        impl $crate::responses::request::elements::MayBeEmpty for $name<'_> {
            fn is_empty(&self) -> bool {
                $(self.$field.is_none())&&*
            }
        }
    };
}
pub(super) use borrowed;

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
