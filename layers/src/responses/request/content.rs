use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{
    dropped::DroppedFields,
    elements::{Element, Elements},
    invalid::{At, Invalid},
    item::Content,
    json::{Shape, array, borrowed, inside, required, text},
    writer::Writer,
};

borrowed! {
    Given {
        kind: "type",
        text: "text",
        refusal: "refusal",
        image_url: "image_url",
        detail: "detail",
        file_data: "file_data",
        filename: "filename",
        file_id: "file_id",
        file_url: "file_url",
        input_audio: "input_audio",
    }
}

/// One part of what somebody said, or of what a tool gave.
#[derive(Debug)]
pub(super) enum Part<'a> {
    /// The inside of a JSON string, as it stands in the request.
    Json(&'a str),
    Text(Cow<'a, str>),
    Image {
        url: &'a str,
        detail: Option<&'a str>,
    },
    File {
        data: Option<&'a RawValue>,
        name: Option<&'a RawValue>,
        id: Option<&'a RawValue>,
    },
    Audio(&'a RawValue),
}

impl Part<'_> {
    pub(super) const fn is_text(&self) -> bool {
        matches!(self, Self::Json(_) | Self::Text(_))
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Json(text) => text.is_empty(),
            Self::Text(text) => text.is_empty(),
            _ => false,
        }
    }

    /// The text of it, inside of a string.
    pub(super) fn write_text(&self, out: &mut Writer) {
        match self {
            Self::Json(text) => out.raw(text),
            Self::Text(text) => out.escaped(text),
            _ => {}
        }
    }

    /// As an element of an array of parts.
    pub(super) fn write(&self, out: &mut Writer) {
        match self {
            Self::Json(_) | Self::Text(_) => {
                out.raw(r#"{"type":"text","text":""#);
                self.write_text(out);
                out.raw(r#""}"#);
            }
            Self::Image { url, detail } => {
                out.raw(r#"{"type":"image_url","image_url":{"url":"#);
                out.raw(url);
                if let Some(detail) = detail {
                    out.raw(r#","detail":"#);
                    out.raw(detail);
                }
                out.raw("}}");
            }
            Self::File { data, name, id } => {
                out.raw(r#"{"type":"file","file":{"#);
                let fields = [("file_data", data), ("filename", name), ("file_id", id)];
                let fields = fields.into_iter().filter_map(|(name, raw)| Some((name, (*raw)?)));
                out.list(fields, |out, (name, raw)| {
                    out.raw("\"");
                    out.raw(name);
                    out.raw("\":");
                    out.raw(raw.get());
                });
                out.raw("}}");
            }
            Self::Audio(audio) => {
                out.raw(r#"{"type":"input_audio","input_audio":"#);
                out.raw(audio.get());
                out.raw("}");
            }
        }
    }
}

/// What a message says. Parts of unknown types are left out.
pub(super) fn said<'a>(
    content: Content<'a>,
    dropped: &mut DroppedFields,
    at: At<'_>,
) -> Result<Vec<Part<'a>>, Invalid> {
    match content {
        Content::Parts(given) => parts(given, dropped, at),
        Content::Other(raw) if raw.get().starts_with('[') => parts(array(raw, at)?, dropped, at),
        Content::Other(raw) if raw.get().starts_with('"') => Ok(vec![Part::Json(inside(raw, at)?)]),
        Content::Other(_) => Err(Invalid::new(at, "must be a string or an array")),
    }
}

/// What a tool gave: a message's parts, or any other JSON as text.
pub(super) fn gave<'a>(raw: &'a RawValue, at: At<'_>) -> Result<Vec<Part<'a>>, Invalid> {
    if raw.get().starts_with('"') {
        return Ok(vec![Part::Json(inside(raw, at)?)]);
    }
    if raw.get().starts_with('[') {
        let given: Elements<Given<'_>> = array(raw, at)?;
        if given.0.iter().all(is_part) {
            return parts(given, &mut DroppedFields::default(), at);
        }
    }
    Ok(vec![Part::Text(raw.get().into())])
}

fn is_part(given: &Element<Given<'_>>) -> bool {
    let kind = given.get().and_then(|given| given.kind).map(RawValue::get);
    matches!(
        kind.map(|kind| kind.trim_matches('"')),
        Some("input_text" | "output_text" | "text" | "input_image" | "input_file")
    )
}

fn parts<'a>(
    given: Elements<Given<'a>>,
    dropped: &mut DroppedFields,
    at: At<'_>,
) -> Result<Vec<Part<'a>>, Invalid> {
    let mut parts = Vec::with_capacity(given.0.len());
    for (n, given) in given.0.into_iter().enumerate() {
        let given = given.object(format_args!("{at}[{n}]"))?;
        match part(&given, format_args!("{at}[{n}]"))? {
            Some(part) => parts.push(part),
            None => dropped.add(given.kind.map_or("", RawValue::get)),
        }
    }
    Ok(parts)
}

/// The texts of what the model thought; of no other type are there any.
pub(super) fn thoughts<'a>(
    content: Option<Content<'a>>,
    at: At<'_>,
) -> Result<Vec<Part<'a>>, Invalid> {
    let given: Elements<Given<'a>> = match content {
        None => return Ok(Vec::new()),
        Some(Content::Parts(given)) => given,
        Some(Content::Other(raw)) => array(raw, at)?,
    };
    let texts = given.0.iter().enumerate().filter_map(|(n, given)| Some((n, given.get()?.text?)));
    let texts = texts.map(|(n, raw)| inside(raw, format_args!("{at}[{n}].text")).map(Part::Json));
    texts.filter(|text| !text.as_ref().is_ok_and(Part::is_empty)).collect()
}

fn part<'a>(given: &Given<'a>, at: At<'_>) -> Result<Option<Part<'a>>, Invalid> {
    let kind = required(given.kind, format_args!("{at}.type"))?;
    let words = |raw, name| {
        let at = format_args!("{at}.{name}");
        inside(required(raw, at)?, at).map(|text| Some(Part::Json(text)))
    };
    match &*text(kind, format_args!("{at}.type"))? {
        "input_text" | "output_text" | "text" => words(given.text, "text"),
        "refusal" => words(given.refusal, "refusal"),
        "input_image" => image(given, at).map(Some),
        "input_file" => file(given, at).map(Some),
        "input_audio" => audio(given, format_args!("{at}.input_audio")).map(Some),
        _ => Ok(None),
    }
}

fn image<'a>(given: &Given<'a>, at: At<'_>) -> Result<Part<'a>, Invalid> {
    let Some(url) = given.image_url else {
        let says = "is missing: an image that was uploaded cannot be sent on";
        return Err(Invalid::new(format_args!("{at}.image_url"), says));
    };
    Shape::Text.check(url, format_args!("{at}.image_url"))?;
    if let Some(detail) = given.detail {
        Shape::Text.check(detail, format_args!("{at}.detail"))?;
    }
    let detail = given.detail.map(|detail| match detail.get() {
        // Chat Completions has no word for it.
        "\"original\"" => "\"high\"",
        detail => detail,
    });
    Ok(Part::Image { url: url.get(), detail })
}

fn audio<'a>(given: &Given<'a>, at: At<'_>) -> Result<Part<'a>, Invalid> {
    let audio = required(given.input_audio, at)?;
    Shape::Object.check(audio, at)?;
    Ok(Part::Audio(audio))
}

fn file<'a>(given: &Given<'a>, at: At<'_>) -> Result<Part<'a>, Invalid> {
    let fields =
        [("file_data", given.file_data), ("filename", given.filename), ("file_id", given.file_id)];
    for (name, raw) in fields {
        raw.map_or(Ok(()), |raw| Shape::Text.check(raw, format_args!("{at}.{name}")))?;
    }
    if given.file_data.is_none() && given.file_id.is_none() {
        let field = if given.file_url.is_some() { "file_url" } else { "file_data" };
        let says = "will not do: a file is sent on by its `file_data` or its `file_id`";
        return Err(Invalid::new(format_args!("{at}.{field}"), says));
    }
    Ok(Part::File { data: given.file_data, name: given.filename, id: given.file_id })
}
