use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    content::Given,
    elements::{Element, Elements, Key, otherwise},
    invalid::{At, Invalid},
};

/// `input`.
#[derive(Debug)]
pub(super) enum Input<'a> {
    /// Its items were read in one pass together with the body.
    Items,
    Other(&'a RawValue),
}

/// What a message says: read in the same pass when it is an array of parts.
#[derive(Debug)]
pub(super) enum Content<'a> {
    Parts(Elements<Given<'a>>),
    Other(&'a RawValue),
}

macro_rules! item {
    ($($field:ident: $key:literal,)*) => {
        /// What an item of `input` may have.
        #[derive(Debug, Default)]
        pub(super) struct Item<'a> {
            pub(super) content: Option<Content<'a>>,
            $(pub(super) $field: Option<&'a RawValue>,)*
        }

        impl<'a> Item<'a> {
            /// Where the value of the key belongs, unless it is `content` or means nothing.
            fn slot(&mut self, key: &str) -> Option<&mut Option<&'a RawValue>> {
                match key {
                    $($key => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}

item! {
    kind: "type",
    id: "id",
    role: "role",
    call_id: "call_id",
    name: "name",
    namespace: "namespace",
    arguments: "arguments",
    input: "input",
    action: "action",
    output: "output",
    encrypted_content: "encrypted_content",
    summary: "summary",
    tools: "tools",
}

/// What is done with each item.
pub(super) type Each<'e, 'a> = dyn FnMut(Element<Item<'a>>) + 'e;

/// Reads the value of `input`; `json` is what all of it stands in.
pub(super) fn read<'de, A: MapAccess<'de>>(
    key: &Key<'de>,
    json: &'de str,
    map: &mut A,
    each: &mut Each<'_, 'de>,
) -> Result<Option<Input<'de>>, A::Error> {
    if key.value_begins(json) == Some(b'[') {
        return map.next_value_seed(Items { json, each }).map(|()| Some(Input::Items));
    }
    Ok(map.next_value::<Option<_>>()?.map(Input::Other))
}

/// The items of an array that was not read together with the body.
pub(super) fn items<'a>(
    raw: &'a RawValue,
    at: At<'_>,
    each: &mut Each<'_, 'a>,
) -> Result<(), Invalid> {
    let mut json = serde_json::Deserializer::from_str(raw.get());
    let items = Items { json: raw.get(), each }.deserialize(&mut json);
    items.map_err(|error| Invalid::new(at, format_args!("has a fault: {error}")))
}

struct Items<'e, 'f, 'de> {
    json: &'de str,
    each: &'e mut Each<'f, 'de>,
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(item) = seq.next_element_seed(One(self.json))? {
            (self.each)(item);
        }
        Ok(())
    }
}

struct One<'de>(&'de str);

impl<'de> DeserializeSeed<'de> for One<'de> {
    type Value = Element<Item<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for One<'de> {
    type Value = Element<Item<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut item = Item::default();
        while let Some(key) = map.next_key::<Key<'_>>()? {
            let is_new = if key.as_str() == "content" {
                let content = if key.value_begins(self.0) == Some(b'[') {
                    Some(Content::Parts(map.next_value()?))
                } else {
                    map.next_value::<Option<_>>()?.map(Content::Other)
                };
                std::mem::replace(&mut item.content, content).is_none()
            } else if let Some(slot) = item.slot(key.as_str()) {
                std::mem::replace(slot, map.next_value()?).is_none()
            } else {
                map.next_value::<IgnoredAny>()?;
                true
            };
            if !is_new {
                return Err(A::Error::custom(format_args!("duplicate field `{}`", key.as_str())));
            }
        }
        Ok(Element::from(item))
    }

    otherwise!(Element::none());
}
