use bytes::Bytes;
use serde::Serialize;

use super::Event;

const DATA: &str = "data: ";
const END: &str = "\n\n";

/// An event as it goes over the wire, serialised once for all clients. Clones share the text.
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Bytes,
    json: usize,
}

impl Frame {
    /// With its number, which clients give back to go on from there.
    pub(super) fn numbered(id: u64, text: &Text) -> Self {
        // The text is an object that has a `type`: `{"type"`.
        Self::new(&format!("id: {id}\n{DATA}"), &format!("{{\"id\":{id},"), &text.0[1..])
    }

    /// An event for one client only, without replay.
    pub(super) fn passing(event: &Event) -> Self {
        Self::new(DATA, "", &Text::new(event).0)
    }

    fn new(head: &str, start: &str, rest: &str) -> Self {
        // No line breaks are in there: JSON escapes them.
        Self { bytes: Bytes::from([head, start, rest, END].concat()), json: head.len() }
    }

    /// The event in the format of Server-Sent Events, with the empty line after it.
    #[must_use]
    pub fn sse(&self) -> Bytes {
        self.bytes.clone()
    }

    /// The JSON alone.
    #[must_use]
    pub fn json(&self) -> Bytes {
        self.bytes.slice(self.json..self.bytes.len() - END.len())
    }

    /// How long it is.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// An event as JSON, with the time.
pub(super) struct Text(String);

impl Text {
    pub(super) fn new(event: &Event) -> Self {
        #[derive(Serialize)]
        struct Stamped<'a> {
            #[serde(flatten)]
            event: &'a Event,
            timestamp: u64,
        }
        let stamped = Stamped { event, timestamp: switchtower_platform::clock::now() };
        // Texts, numbers and JSON always serialise.
        Self(serde_json::to_string(&stamped).unwrap_or_else(|_| "{}".into()))
    }
}
