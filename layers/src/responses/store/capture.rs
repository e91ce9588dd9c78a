use std::{ops::Range, sync::Arc};

use bytes::{Bytes, BytesMut};
use http::Response;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::sse::{Framer, is_event_stream};

/// How much of an event or of a JSON answer is held, in bytes. What is larger is not stored.
const CAP: usize = 32 << 20;

/// A response that can be continued, as it was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivered {
    pub(super) id: Arc<str>,
    /// The response object, as JSON.
    pub(super) response: Bytes,
    /// Where the items of its output stand.
    pub(super) output: Vec<Range<usize>>,
}

impl Delivered {
    /// `None` for what is no finished response.
    fn read(response: Bytes) -> Option<Self> {
        #[derive(Deserialize)]
        struct Wire<'a> {
            id: String,
            status: Option<String>,
            #[serde(borrow)]
            output: Vec<&'a RawValue>,
        }
        let Wire { id, status, output } = serde_json::from_slice(&response).ok()?;
        if id.is_empty() || !matches!(status.as_deref(), None | Some("completed" | "incomplete")) {
            return None;
        }
        let place = |item: &&RawValue| {
            let start = item.get().as_ptr() as usize - response.as_ptr() as usize;
            start..start + item.get().len()
        };
        let output = output.iter().map(place).collect();
        Some(Self { id: id.into(), response, output })
    }
}

/// Finds the response in an answer as it passes. Does no I/O.
#[derive(Debug)]
pub(super) enum Capture {
    /// In the last event of a stream.
    Events(Framer),
    /// In the whole of a JSON answer.
    Whole(BytesMut),
}

/// What was found in a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing yet.
    Nothing,
    /// The response, in an event that begins at this place of the chunk, at the earliest.
    Response(usize, Delivered),
    /// There is nothing to wait for any more.
    Never,
}

impl Capture {
    /// `None` for an answer that has no response in it.
    pub(super) fn of<B>(answer: &Response<B>) -> Option<Self> {
        if !answer.status().is_success() {
            return None;
        }
        Some(if is_event_stream(answer.headers()) {
            Self::Events(Framer::new(CAP))
        } else {
            Self::Whole(BytesMut::new())
        })
    }

    pub(super) fn feed(&mut self, chunk: &[u8]) -> Found {
        match self {
            Self::Events(framer) => {
                let mut found = Found::Nothing;
                let fed = framer.feed(chunk, |event| {
                    if found == Found::Nothing {
                        found = read_event(event.data, event.start);
                    }
                });
                match (found, fed) {
                    (Found::Nothing, Err(_)) => Found::Never,
                    (found, _) => found,
                }
            }
            Self::Whole(whole) if whole.len() + chunk.len() > CAP => Found::Never,
            Self::Whole(whole) => {
                whole.extend_from_slice(chunk);
                Found::Nothing
            }
        }
    }

    /// The answer was read to its end. A stream that ends without its last event has no response.
    pub(super) fn end(self) -> Option<Delivered> {
        match self {
            Self::Events(_) => None,
            Self::Whole(whole) => Delivered::read(whole.freeze()),
        }
    }
}

/// Events that end a stream, and whether the response can be continued from.
const TERMINAL_EVENTS: [(&str, bool); 3] =
    [("response.completed", true), ("response.incomplete", true), ("response.failed", false)];

fn read_event(data: &[u8], start: usize) -> Found {
    // Few events have a response: the others are not parsed.
    if memmem::find(data, br#""response""#).is_none() {
        return Found::Nothing;
    }
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(rename = "type")]
        kind: String,
        #[serde(borrow)]
        response: Option<&'a RawValue>,
    }
    let Ok(Event { kind, response }) = serde_json::from_slice(data) else { return Found::Nothing };
    let Some((_, is_kept)) = TERMINAL_EVENTS.iter().find(|(name, _)| *name == kind) else {
        return Found::Nothing;
    };
    let response = response.filter(|_| *is_kept).map(RawValue::get);
    let delivered = response.and_then(|r| Delivered::read(Bytes::copy_from_slice(r.as_bytes())));
    delivered.map_or(Found::Never, |delivered| Found::Response(start, delivered))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{super::script as state, *};

    fn head(kind: &str) -> Response<()> {
        Response::builder().header("content-type", kind).body(()).unwrap()
    }

    /// What is found, and where in the whole the frame begins that is held back.
    fn capture<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Option<(usize, Delivered)> {
        let mut capture = Capture::of(&head("text/event-stream; charset=utf-8")).unwrap();
        let mut fed = 0;
        for chunk in chunks {
            match capture.feed(chunk) {
                Found::Nothing => fed += chunk.len(),
                Found::Response(at, delivered) => return Some((fed + at, delivered)),
                Found::Never => return None,
            }
        }
        None
    }

    #[test]
    fn only_the_type_in_the_data_counts() {
        let response = state::response("resp_1");
        let data = |kind: &str| json!({"type": kind, "response": response}).to_string();
        let quoted = json!({"type": "x", "text": "\"response.completed\""}).to_string();
        for (text, found) in [
            (format!("event: event\ndata: {}\n\n", data("response.completed")), true),
            (format!("data: {}\n\n", data("response.incomplete")), true),
            (format!("event: response.completed\ndata: {}\n\n", data("response.created")), false),
            (format!("event: response.completed\ndata: {quoted}\n\n"), false),
            (format!("data: {}\n", data("response.completed")), false),
            ("data: \"response.completed\"\n\n".into(), false),
            ("data: {\"type\":\"response.completed\"}\n\n".into(), false),
        ] {
            assert_eq!(capture([text.as_bytes()]).is_some(), found, "{text}");
        }
    }

    #[test]
    fn what_is_too_large_is_given_up() {
        let mut capture = Capture::of(&head("application/json")).unwrap();
        let large = vec![b' '; CAP];
        assert_eq!(capture.feed(&large), Found::Nothing);
        assert_eq!(capture.feed(b" "), Found::Never);
        let mut capture = Capture::of(&head("text/event-stream")).unwrap();
        assert_eq!(capture.feed(&large), Found::Nothing);
        assert_eq!(capture.feed(b" "), Found::Never);
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_finds_the_same(
            text in ".{0,9}",
            carriage in any::<bool>(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let mut response = state::response("resp_é");
            response["output"][0]["content"][0]["text"] = text.into();
            let mut stream = state::events("response.completed", &response);
            if carriage {
                stream = stream.replace('\n', "\r\n");
            }
            let stream = stream.as_bytes();
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let whole = capture([stream]).unwrap();
            let split = capture(cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]])).unwrap();
            prop_assert_eq!(&whole.1.response, &response.to_string());
            prop_assert_eq!(&whole.1, &split.1);
            // The last event cannot be read without what is held back.
            let text = String::from_utf8_lossy(stream);
            let last = text.find("event: response.completed").unwrap();
            prop_assert!(whole.0 == last && split.0 >= last);
            prop_assert!(split.0 < text.find("data: [DONE]").unwrap());
            prop_assert_eq!(capture(stream.chunks(1)).unwrap().1, whole.1);
        }
    }
}
