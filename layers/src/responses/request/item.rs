use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::json::{Element, borrowed};

borrowed! {
    /// What an item of `input` may have.
    Item {
        kind: "type",
        id: "id",
        role: "role",
        content: "content",
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
}

/// `input`, read in one pass together with the body.
#[derive(Debug)]
pub(super) enum Input<'a> {
    Text(Cow<'a, str>),
    Items(Vec<Element<Item<'a>>>),
    Neither,
}

impl<'de: 'a, 'a> Deserialize<'de> for Input<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InputVisitor)
    }
}

struct InputVisitor;

impl<'de> Visitor<'de> for InputVisitor {
    type Value = Input<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Input<'de>, E> {
        Ok(Input::Text(text.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Input<'de>, E> {
        Ok(Input::Text(text.to_owned().into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Input<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Input::Items(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Input<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Input::Neither)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Input<'de>, E> {
        Ok(Input::Neither)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Input<'de>, E> {
        Ok(Input::Neither)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Input<'de>, E> {
        Ok(Input::Neither)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Input<'de>, E> {
        Ok(Input::Neither)
    }
}
