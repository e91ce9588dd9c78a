//! What a router needs to know of a request body, found without building a tree of it.

use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, header::ACCEPT};
use serde::{
    Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::Buffered;

/// The fields of a request body by which it is routed, and where `model` stands in the bytes.
///
/// The whole body is checked to be one JSON object, but only these fields are read: what the
/// client sent otherwise is never parsed into anything and never re-serialised.
///
/// ```
/// use switchtower_layers::{Buffered, request::ModelRequest};
///
/// let body = Buffered::from(r#"{"messages": [], "model": "gpt-5.1", "x": 1.0}"#);
/// let request = ModelRequest::read(&body).unwrap();
/// assert_eq!(request.model.as_deref(), Some("gpt-5.1"));
/// assert_eq!(
///     request.with_model(&body, "deepseek-chat").to_bytes(),
///     r#"{"messages": [], "model": "deepseek-chat", "x": 1.0}"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRequest {
    /// The model the client asked for; `None` when the field is absent or null.
    pub model: Option<Arc<str>>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    place: Place,
}

/// Longer than any name there is, in bytes.
const LONGEST_MODEL: usize = 256;

/// Whether the client asked for a stream: an extension of the request, set by the layer that has
/// read the body, for layers further in that do not see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Streamed(pub bool);

impl Streamed {
    /// From the request's extension; without one, whether its `Accept` lists `text/event-stream`.
    pub fn of<B>(request: &Request<B>) -> Self {
        let told = request.extensions().get::<Self>().copied();
        told.unwrap_or_else(|| Self(accepts_events(request.headers())))
    }
}

fn accepts_events(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter().map(HeaderValue::as_bytes);
    lines.flat_map(|line| line.split(|&byte| byte == b',')).any(|range| {
        let essence = range.split(|&byte| byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
    })
}

/// Where a model's name goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Instead of these bytes.
    Replace(Range<usize>),
    /// As the first field; `alone` when the object is empty.
    Insert { at: usize, alone: bool },
}

/// Why a body cannot be routed.
#[derive(Debug)]
pub struct InvalidRequest {
    message: String,
    /// The field that is wrong, if it is one field.
    pub param: Option<&'static str>,
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for InvalidRequest {}

impl ModelRequest {
    /// Reads the body. O(1) in memory, one pass over the bytes.
    ///
    /// # Errors
    ///
    /// When the body is empty, is not JSON, is not an object, names a field of interest twice, or
    /// has a `model` that is not a string of 1 to 256 bytes without control characters, or a
    /// `stream` that is not a boolean.
    pub fn read(body: &Buffered) -> Result<Self, InvalidRequest> {
        let bytes = body.to_bytes();
        if bytes.is_empty() {
            return Err(InvalidRequest { message: "the body is empty".into(), param: None });
        }
        let fields = Fields::read(&bytes)
            .map_err(|e| InvalidRequest { message: format!("the body is {e}"), param: None })?;
        let model = fields.model.map(read_model).transpose()?.flatten();
        let place = match fields.model {
            Some(raw) => Place::Replace(range_of(raw.get(), &bytes)),
            None => {
                let open = bytes.iter().position(|&byte| byte == b'{').unwrap_or_default();
                Place::Insert { at: open + 1, alone: fields.is_empty }
            }
        };
        let stream = match fields.stream.map(RawValue::get) {
            None | Some("null" | "false") => false,
            Some("true") => true,
            Some(_) => {
                let message = "`stream` must be a boolean".into();
                return Err(InvalidRequest { message, param: Some("stream") });
            }
        };
        Ok(Self { model, stream, place })
    }

    /// The body with `model` as the model's name; all other bytes are shared with `body`, which
    /// must be the one that was read.
    #[must_use]
    pub fn with_model(&self, body: &Buffered, model: &str) -> Buffered {
        if self.model.as_deref() == Some(model) {
            return body.clone();
        }
        // A string always serialises.
        let name = serde_json::to_string(model).unwrap_or_default();
        match &self.place {
            Place::Replace(range) => body.splice(range.clone(), Bytes::from(name)),
            Place::Insert { at, alone } => {
                let comma = if *alone { "" } else { "," };
                body.splice(*at..*at, Bytes::from(format!(r#""model":{name}{comma}"#)))
            }
        }
    }
}

fn read_model(raw: &RawValue) -> Result<Option<Arc<str>>, InvalidRequest> {
    let model = serde_json::from_str::<Option<Cow<'_, str>>>(raw.get());
    match model {
        Ok(Some(name)) if name.is_empty() => Err("`model` must not be empty"),
        Ok(Some(name)) if name.len() > LONGEST_MODEL => Err("`model` is longer than 256 bytes"),
        // It goes into headers and logs.
        Ok(Some(name)) if name.contains(char::is_control) => {
            Err("`model` must not have control characters")
        }
        Ok(name) => Ok(name.map(Arc::from)),
        Err(_) => Err("`model` must be a string"),
    }
    .map_err(|message| InvalidRequest { message: message.into(), param: Some("model") })
}

/// The place of a part in the whole that it was borrowed from.
fn range_of(part: &str, whole: &[u8]) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

/// The fields of interest as they stand in the bytes.
#[derive(Default)]
struct Fields<'a> {
    model: Option<&'a RawValue>,
    stream: Option<&'a RawValue>,
    is_empty: bool,
}

impl<'a> Fields<'a> {
    /// The error completes the sentence "the body is ...".
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let read =
            json.deserialize_any(ObjectVisitor).and_then(|fields| json.end().map(|()| fields));
        read.map_err(|error| match error.classify() {
            serde_json::error::Category::Data => error.to_string(),
            _ => format!("not valid JSON: {error}"),
        })
    }
}

struct ObjectVisitor;

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
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if slot.replace(map.next_value()?).is_some() {
                // Two readers could disagree on which one counts.
                return Err(A::Error::custom("ambiguous: `model` or `stream` stands there twice"));
            }
        }
        Ok(fields)
    }
}

enum Key {
    Model,
    Stream,
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
                    _ => Key::Other,
                })
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &'static str) -> Result<ModelRequest, InvalidRequest> {
        ModelRequest::read(&Buffered::from(text))
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let cases = [
            ("", "the body is empty", None),
            ("  ", "not valid JSON: EOF", None),
            ("{", "not valid JSON: EOF", None),
            ("{}x", "not valid JSON: trailing", None),
            (r#"{"a":nul}"#, "not valid JSON: expected", None),
            ("[]", "invalid type: sequence, expected a JSON object", None),
            ("\"a\"", "expected a JSON object", None),
            (r#"{"model":1}"#, "`model` must be a string", Some("model")),
            (r#"{"model":""}"#, "`model` must not be empty", Some("model")),
            (r#"{"model":"a\nb"}"#, "control characters", Some("model")),
            (r#"{"model":"a\u001bb"}"#, "control characters", Some("model")),
            (r#"{"model":{"a":1}}"#, "`model` must be a string", Some("model")),
            (r#"{"model":"a","model":"b"}"#, "twice", None),
            (r#"{"stream":"yes"}"#, "`stream` must be a boolean", Some("stream")),
        ];
        for (text, says, param) in cases {
            let error = read(text).unwrap_err();
            assert!(error.to_string().contains(says), "{text}: {error}");
            assert_eq!(error.param, param, "{text}");
        }
    }

    #[test]
    fn a_name_has_an_end() {
        let of = |length| format!(r#"{{"model":"{}"}}"#, "x".repeat(length));
        assert!(ModelRequest::read(&of(256).into()).is_ok());
        let error = ModelRequest::read(&of(257).into()).unwrap_err();
        assert_eq!(error.to_string(), "`model` is longer than 256 bytes");
    }

    #[test]
    fn absent_and_null_are_no_model() {
        for text in ["{}", r#"{"model":null}"#, r#"{"a":{"model":"x"}}"#] {
            assert_eq!(read(text).unwrap().model, None, "{text}");
        }
    }

    #[test]
    fn stream_is_read() {
        assert!(read(r#"{"stream": true}"#).unwrap().stream);
        assert!(!read(r#"{"stream":null}"#).unwrap().stream);
        assert!(!read("{}").unwrap().stream);
    }

    #[test]
    fn who_asked_for_a_stream_is_told_or_says_so_in_accept() {
        let of = |accept: &str, told: Option<bool>| {
            let mut request = Request::builder().header("accept", accept).body(()).unwrap();
            if let Some(told) = told {
                request.extensions_mut().insert(Streamed(told));
            }
            Streamed::of(&request).0
        };
        assert!(of("text/event-stream", None));
        assert!(of("application/json, Text/Event-Stream ;q=0.9", None));
        assert!(!of("*/*", None));
        assert!(!of("text/event-streams", None));
        assert!(of("*/*", Some(true)));
        assert!(!of("text/event-stream", Some(false)));
        assert!(!Streamed::of(&Request::new(())).0);
    }

    #[test]
    fn a_model_is_put_where_it_belongs() {
        let cases = [
            ("{}", r#"{"model":"m"}"#),
            (" { } ", r#" {"model":"m" } "#),
            (r#"{"a":1}"#, r#"{"model":"m","a":1}"#),
            (r#"{"model" : null ,"a":1}"#, r#"{"model" : "m" ,"a":1}"#),
            (r#"{"a":[{"model":"x"}],"model":"b\u0061"}"#, r#"{"a":[{"model":"x"}],"model":"m"}"#),
            (r#"{"mod\u0065l":"b"}"#, r#"{"mod\u0065l":"m"}"#),
        ];
        for (before, after) in cases {
            let body = Buffered::from(before);
            let request = ModelRequest::read(&body).unwrap();
            assert_eq!(request.with_model(&body, "m").to_bytes(), after);
        }
    }

    #[test]
    fn the_same_name_changes_nothing_and_names_are_escaped() {
        let body = Buffered::from(r#"{"model":"\u0061"}"#);
        let request = ModelRequest::read(&body).unwrap();
        assert_eq!(request.with_model(&body, "a").to_bytes(), r#"{"model":"\u0061"}"#);
        assert_eq!(request.with_model(&body, "a\"b").to_bytes(), r#"{"model":"a\"b"}"#);
    }

    #[test]
    fn it_reads_a_body_of_several_segments() {
        let body = Buffered::from_segments([r#"{"mod"#.into(), r#"el":"a"}"#.into()]);
        let request = ModelRequest::read(&body).unwrap();
        assert_eq!(request.with_model(&body, "b").to_bytes(), r#"{"model":"b"}"#);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = ModelRequest::read(&Buffered::from(bytes));
        }

        #[test]
        fn everything_but_the_model_is_preserved(
            before in "[a-z]{1,4}", text in ".{0,8}", model in "[^\\pC]{1,8}", new in ".{1,8}",
        ) {
            prop_assume!(before != "model" && before != "stream");
            let quote = |s: &str| serde_json::to_string(s).unwrap();
            let body = |model: &str| format!(
                "{{ {}:{} , \"model\" :\t{},\"z\":[1.0,2e3] }}",
                quote(&before), quote(&text), quote(model)
            );
            let buffered = Buffered::from(body(&model));
            let request = ModelRequest::read(&buffered).unwrap();
            prop_assert_eq!(request.model.as_deref(), Some(model.as_str()));
            prop_assert_eq!(request.with_model(&buffered, &new).to_bytes(), body(&new));
        }
    }
}
