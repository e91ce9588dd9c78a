use bytes::Bytes;
use serde_json::Value;

use super::{chat, responses};
use crate::{Dialect, exchange::Fault, sse::Framer};

/// What an answer has to become. Pure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adapter {
    pub(super) dialect: Dialect,
    pub(super) asked: Asked,
    /// Of what is converted, in bytes.
    pub(super) cap: usize,
}

/// The form that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Events,
    Json,
}

impl Adapter {
    /// A whole JSON answer as an event stream; `None` for what is no answer, such as an error.
    pub(super) fn to_events(self, json: &[u8]) -> Option<Bytes> {
        let answer: Value = serde_json::from_slice(without_bom(json)).ok()?;
        let events = match self.dialect {
            Dialect::Chat => chat::events(answer),
            Dialect::Responses => responses::events(&answer),
        };
        events.map(Bytes::from)
    }

    /// JSON in a stream's place as an event of it, whatever it is.
    pub(super) fn to_event(json: Bytes) -> Bytes {
        match serde_json::from_slice::<Value>(without_bom(&json)) {
            Ok(value) => format!("data: {value}\n\n").into(),
            Err(_) => json,
        }
    }

    /// A whole event stream as a JSON answer.
    ///
    /// # Errors
    ///
    /// When an event is malformed, or the stream is not finished.
    pub(super) fn to_json(self, events: &[u8]) -> Result<Bytes, Fault> {
        let mut chat = chat::Assembler::default();
        let mut last = responses::Terminal::default();
        let mut outcome = Ok(());
        let mut framer = Framer::new(self.cap.saturating_add(1));
        // A last event without its blank line counts, as the stream is whole.
        for chunk in [events, b"\n\n"] {
            let fed = framer.feed(chunk, |event| {
                if outcome.is_ok() {
                    outcome = match self.dialect {
                        Dialect::Chat => chat.push(event.data),
                        Dialect::Responses => last.push(event.data),
                    };
                }
            });
            fed.map_err(|large| Fault::TooLarge(large.cap))?;
        }
        outcome?;
        let answer = match self.dialect {
            Dialect::Chat => chat.finish(),
            Dialect::Responses => last.finish(),
        };
        answer.map(|answer| answer.to_string().into())
    }
}

/// An event's data as a JSON object; `None` for heartbeats and `[DONE]`.
///
/// # Errors
///
/// When it begins like an object and is none.
pub(super) fn object(data: &[u8]) -> Result<Option<serde_json::Map<String, Value>>, Fault> {
    let data = data.trim_ascii();
    if !data.starts_with(b"{") {
        return Ok(None);
    }
    let parsed = serde_json::from_slice(data);
    parsed.map(Some).map_err(|_| Fault::Malformed("an event is not JSON".into()))
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}
