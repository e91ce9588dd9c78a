use std::{fmt, ops::Range, sync::Arc};

use memchr::memmem;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{Code, Rejection};

/// What a request's body asks of the state, and where it stands in the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StateRequest {
    /// The response that it continues; the place is the field's, from key to value.
    pub(super) previous: Option<Reference>,
    /// Whether the answer is to be stored.
    pub(super) store: bool,
    pub(super) input: Input,
    /// The input items that refer to stored ones, in order.
    pub(super) references: Vec<Reference>,
}

/// Where the `input` stands, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// There is none.
    Absent,
    /// `null`.
    Null(Range<usize>),
    /// A string.
    Text(Range<usize>),
    /// An array.
    Items(Range<usize>),
    /// What no input is.
    Wrong,
}

/// Something stored that the body refers to, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) place: Range<usize>,
    pub(super) id: Arc<str>,
}

impl StateRequest {
    /// Reads the body in one pass. `None` if it is no JSON object: an inner layer will reject it.
    ///
    /// # Errors
    ///
    /// When one of the fields that are the state's is wrong.
    pub(super) fn read(body: &[u8]) -> Result<Option<Self>, Rejection> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let fields = json.deserialize_any(Object).and_then(|fields| json.end().map(|()| fields));
        let Ok(fields) = fields else { return Ok(None) };
        if let Some(field) = fields.twice {
            let message = format!("the body is ambiguous: `{field}` stands there twice");
            return Err(invalid(message, field));
        }
        let store = match fields.store.map(RawValue::get) {
            None | Some("null" | "true") => true,
            Some("false") => false,
            Some(_) => return Err(invalid("`store` must be a boolean", "store")),
        };
        let previous = fields.previous.map(|raw| previous(raw, body)).transpose()?.flatten();
        let input = fields.input.map_or(Input::Absent, |raw| Input::of(raw, body));
        let in_conversation = fields.conversation.is_some_and(|raw| raw.get() != "null");
        if previous.is_some() {
            if in_conversation {
                let message = "`previous_response_id` and `conversation` exclude each other";
                return Err(invalid(message, "previous_response_id"));
            }
            if input == Input::Wrong {
                return Err(invalid("`input` must be a string or an array", "input"));
            }
        }
        let references = match &input {
            Input::Items(place) => references(fields.input, place.start)?,
            _ => Vec::new(),
        };
        // Of a conversation only the provider knows what came before.
        let store = store && !in_conversation && input != Input::Wrong;
        Ok(Some(Self { previous, store, input, references }))
    }

    /// Whether it can only be sent on with what the store has.
    pub(super) fn needs_the_store(&self) -> bool {
        self.previous.is_some() || !self.references.is_empty()
    }
}

impl Input {
    fn of(raw: &RawValue, body: &[u8]) -> Self {
        let place = place_of(raw.get(), body);
        match raw.get().as_bytes().first() {
            Some(b'n') => Self::Null(place),
            Some(b'"') => Self::Text(place),
            Some(b'[') => Self::Items(place),
            _ => Self::Wrong,
        }
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>, param: &'static str) -> Rejection {
    Rejection::new(Code::InvalidRequest, message).param(param)
}

/// The place of a part in the whole that it was borrowed from.
fn place_of(part: &str, whole: &[u8]) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

fn previous(raw: &RawValue, body: &[u8]) -> Result<Option<Reference>, Rejection> {
    let id: Option<String> = serde_json::from_str(raw.get())
        .map_err(|_| invalid("`previous_response_id` must be a string", "previous_response_id"))?;
    let value = place_of(raw.get(), body);
    // Between key and value there are a colon and blanks only, and the key has no quote inside.
    let quotes = body[..value.start].iter().enumerate().rev().filter(|(_, byte)| **byte == b'"');
    let key = quotes.map(|(at, _)| at).nth(1).unwrap_or(value.start);
    Ok(id.map(|id| Reference { place: key..value.end, id: id.into() }))
}

/// Nearly no request has any, and most are large: they are looked for before anything is parsed.
fn references(input: Option<&RawValue>, start: usize) -> Result<Vec<Reference>, Rejection> {
    const TYPE: &[u8] = b"item_reference";
    let input = input.map_or("", RawValue::get);
    if memmem::find(input.as_bytes(), TYPE).is_none() {
        return Ok(Vec::new());
    }
    #[derive(Deserialize)]
    struct Probe<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<&'a RawValue>,
        #[serde(borrow)]
        id: Option<&'a RawValue>,
    }
    let items: Vec<&RawValue> = serde_json::from_str(input).unwrap_or_default();
    let mut references = Vec::new();
    for item in items {
        if memmem::find(item.get().as_bytes(), TYPE).is_none() {
            continue;
        }
        let Ok(Probe { kind: Some(kind), id }) = serde_json::from_str(item.get()) else { continue };
        if kind.get() != r#""item_reference""# {
            continue;
        }
        let id: Option<String> = id.and_then(|id| serde_json::from_str(id.get()).ok());
        let id = id.ok_or_else(|| invalid("an `item_reference` must have an `id`", "input"))?;
        let place = place_of(item.get(), input.as_bytes());
        references.push(Reference { place: start + place.start..start + place.end, id: id.into() });
    }
    Ok(references)
}

/// The fields that are the state's, as they stand in the bytes.
#[derive(Default)]
struct Fields<'a> {
    previous: Option<&'a RawValue>,
    conversation: Option<&'a RawValue>,
    input: Option<&'a RawValue>,
    store: Option<&'a RawValue>,
    twice: Option<&'static str>,
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<Key>()? {
            let (name, slot) = match key {
                Key::PreviousResponseId => ("previous_response_id", &mut fields.previous),
                Key::Conversation => ("conversation", &mut fields.conversation),
                Key::Input => ("input", &mut fields.input),
                Key::Store => ("store", &mut fields.store),
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if slot.replace(map.next_value()?).is_some() {
                fields.twice = Some(name);
            }
        }
        Ok(fields)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    PreviousResponseId,
    Conversation,
    Input,
    Store,
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(body: &str) -> StateRequest {
        StateRequest::read(body.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn the_default_is_to_store_and_to_refer_to_nothing() {
        for (body, store) in [
            ("{}", true),
            (r#"{"store":null,"x":{"store":false}}"#, true),
            (r#"{"store":false,"previous_response_id":null}"#, false),
            (r#"{"conversation":"conv_1"}"#, false),
            (r#"{"conversation":null}"#, true),
            (r#"{"input":{"type":"item_reference","id":"a"}}"#, false),
        ] {
            let ask = read(body);
            assert_eq!((ask.store, ask.needs_the_store()), (store, false), "{body}");
        }
    }

    #[test]
    fn what_is_found_is_found_where_it_stands() {
        let body = r#"{"x":"a\"", "previous_response_\u0069d" : "r\"1" ,"input":[ 1, {"id":"i","type":"item_reference"}, {"type":"item_reference","id":7, "x":1} ]}"#;
        assert!(StateRequest::read(body.as_bytes()).is_err(), "the second has no id");
        let body = body.replace("7", "\"j\"");
        let ask = read(&body);
        let Reference { id, place } = ask.previous.unwrap();
        assert_eq!(&*id, "r\"1");
        assert_eq!(&body[place], r#""previous_response_\u0069d" : "r\"1""#);
        let Input::Items(place) = ask.input else { panic!("{:?}", ask.input) };
        assert!(body[place.clone()].starts_with("[ 1") && body[place].ends_with(" ]"));
        let found: Vec<_> =
            ask.references.iter().map(|r| (&*r.id, &body[r.place.clone()])).collect();
        assert_eq!(
            found,
            [
                ("i", r#"{"id":"i","type":"item_reference"}"#),
                ("j", r#"{"type":"item_reference","id":"j", "x":1}"#)
            ]
        );
    }

    #[test]
    fn kinds_of_input() {
        assert_eq!(read("{}").input, Input::Absent);
        assert_eq!(read(r#"{"input":null}"#).input, Input::Null(9..13));
        assert_eq!(read(r#"{"input": "a"}"#).input, Input::Text(10..13));
        assert_eq!(read(r#"{"input":[]}"#).input, Input::Items(9..11));
        assert_eq!(read(r#"{"input":true}"#).input, Input::Wrong);
    }

    #[test]
    fn what_is_no_object_is_somebody_elses() {
        for body in ["", "[]", "{", "{}x", r#"{"store":tru}"#, "null"] {
            assert_eq!(StateRequest::read(body.as_bytes()).unwrap(), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(
            pieces in prop::collection::vec(prop_oneof![
                Just("\"previous_response_id\":"), Just("\"input\":"), Just("["), Just("]"),
                Just("{"), Just("}"), Just(","), Just("\"type\":\"item_reference\""), Just("\"id\":"),
                Just("\"a\""), Just("null"), Just(" "),
            ], 0..12),
        ) {
            let _ = StateRequest::read(pieces.concat().as_bytes());
        }
    }
}
