//! Parses the fields of a request body that routing needs, without building a tree.

mod fields;
mod usage;

use std::{borrow::Cow, fmt, ops::Range, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, header::ACCEPT};
use serde_json::value::RawValue;

use self::fields::Fields;
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
    /// Whether there is a `models`, too: some providers, such as OpenRouter, take others from it
    /// when the `model` cannot answer.
    pub names_others: bool,
    /// The largest cap that is stated for the answer, in tokens.
    pub(crate) cap: Option<u64>,
    /// How many answers are wanted.
    pub(crate) answers: Option<u64>,
    place: ModelPosition,
    usage: usage::UsagePosition,
}

/// Maximum length of a model name, in bytes.
const MAX_MODEL_LEN: usize = 256;

/// Whether the client asked for a stream: an extension of the request, set by the layer that has
/// read the body, for layers further in that do not see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Streamed(pub bool);

impl Streamed {
    /// Reads the request's extension; without one, whether its `Accept` lists `text/event-stream`.
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

/// The client did not ask for its stream's usage and must not be given the chunk that carries it:
/// an extension of the request, set by the layer that has asked for it in the client's place, for
/// the one further in that frames the answer.
///
/// Clients that did not ask read `choices[0]` of every chunk, and this one has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WithholdUsage;

/// Where a model's name goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ModelPosition {
    /// Instead of these bytes.
    Replace(Range<usize>),
    /// As the first field; `alone` when the object is empty.
    Insert { at: usize, alone: bool },
}

/// Reason why a body cannot be routed.
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
    /// When the body is empty, is not JSON, is not UTF-8 (RFC 8259, section 8.1), is not an object, names a field of interest twice or
    /// `model` in capitals, or has a `model` that is not a string of 1 to 256 bytes without control characters, or a
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
            Some(raw) => ModelPosition::Replace(range_of(raw.get(), &bytes)),
            None => {
                let open = bytes.iter().position(|&byte| byte == b'{').unwrap_or_default();
                ModelPosition::Insert { at: open + 1, alone: fields.is_empty }
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
        let usage = usage::UsagePosition::find(fields.stream_options, &bytes);
        let Fields { names_others, cap, answers, .. } = fields;
        Ok(Self { model, stream, names_others, cap, answers, place, usage })
    }

    /// Like [`read`](Self::read), but parses a body only once for all of its clones.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    pub fn of(body: &Buffered) -> Result<Self, InvalidRequest> {
        body.asked().cloned().map_or_else(|| Self::read(body), Ok)
    }

    /// The body with `model` as the model's name; all other bytes are shared with `body`, which
    /// must be the one that was read.
    #[must_use]
    pub fn with_model(&self, body: &Buffered, model: &str) -> Buffered {
        match self.model_edit(model) {
            Some((range, name)) => body.splice(range, name),
            None => body.clone(),
        }
    }

    /// Whether the client asks for a stream without its usage.
    pub fn lacks_usage(&self) -> bool {
        self.stream && self.usage != usage::UsagePosition::Kept
    }

    /// The fields that [`with_usage`](Self::with_usage) adds which the client has not sent.
    #[cfg(feature = "route")]
    pub(crate) fn added_for_usage(&self) -> &'static [&'static str] {
        match &self.usage {
            usage::UsagePosition::Kept => &[],
            usage::UsagePosition::Splice(_, text) if text.contains('{') => {
                &["stream_options", "include_usage"]
            }
            usage::UsagePosition::Splice(..) => &["include_usage"],
        }
    }

    /// Like [`with_model`](Self::with_model), and adds `stream_options.include_usage` if the
    /// request [lacks it](Self::lacks_usage). Whatever else stands in `stream_options` stays.
    ///
    /// ```
    /// use switchtower_layers::{Buffered, request::ModelRequest};
    ///
    /// let body = Buffered::from(r#"{"model":"m","stream":true}"#);
    /// let request = ModelRequest::read(&body).unwrap();
    /// assert_eq!(
    ///     request.with_usage(&body, "m").to_bytes(),
    ///     r#"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#
    /// );
    /// ```
    #[must_use]
    pub fn with_usage(&self, body: &Buffered, model: &str) -> Buffered {
        let usage::UsagePosition::Splice(range, text) = &self.usage else {
            return self.with_model(body, model);
        };
        if !self.stream {
            return self.with_model(body, model);
        }
        let text = Bytes::from_static(text.as_bytes());
        match self.model_edit(model) {
            // From behind, so that the other place stays where it is.
            Some((at, name)) if at.start > range.start => {
                body.splice(at, name).splice(range.clone(), text)
            }
            Some((at, name)) => body.splice(range.clone(), text).splice(at, name),
            None => body.splice(range.clone(), text),
        }
    }

    fn model_edit(&self, model: &str) -> Option<(Range<usize>, Bytes)> {
        if self.model.as_deref() == Some(model) {
            return None;
        }
        // A string always serialises.
        let name = serde_json::to_string(model).unwrap_or_default();
        Some(match &self.place {
            ModelPosition::Replace(range) => (range.clone(), Bytes::from(name)),
            ModelPosition::Insert { at, alone } => {
                let comma = if *alone { "" } else { "," };
                (*at..*at, Bytes::from(format!(r#""model":{name}{comma}"#)))
            }
        })
    }
}

fn read_model(raw: &RawValue) -> Result<Option<Arc<str>>, InvalidRequest> {
    let model = serde_json::from_str::<Option<Cow<'_, str>>>(raw.get());
    match model {
        Ok(Some(name)) if name.is_empty() => Err("`model` must not be empty"),
        Ok(Some(name)) if name.len() > MAX_MODEL_LEN => Err("`model` is longer than 256 bytes"),
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

#[cfg(test)]
mod tests;
