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

/// The events that end a stream. After a failed response there is nothing to go on from.
const LAST: [(&str, bool); 3] =
    [("response.completed", true), ("response.incomplete", true), ("response.failed", false)];

fn read_event(data: &[u8], start: usize) -> Found {
    // Few events are the last one: the others are not parsed.
    if !LAST.iter().any(|(name, _)| memmem::find(data, name.as_bytes()).is_some()) {
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
    let Some((_, is_kept)) = LAST.iter().find(|(name, _)| *name == kind) else {
        return Found::Nothing;
    };
    let response = response.filter(|_| *is_kept).map(RawValue::get);
    let delivered = response.and_then(|r| Delivered::read(Bytes::copy_from_slice(r.as_bytes())));
    delivered.map_or(Found::Never, |delivered| Found::Response(start, delivered))
}
