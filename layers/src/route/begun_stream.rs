//! A Responses stream that the router begins before there is an answer.

use std::{borrow::Cow, ops::Range};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::responses::{event_text, failed, new_id, response, unix_seconds};
use crate::{
    Code,
    exchange::AttemptRecord,
    sse::{Event, Framer, TooLarge},
};

/// A stream whose first events the router wrote before any attempt was committed. It rewrites the
/// committed answer's events, so that they keep the id, the time and the sequence numbers.
pub(super) struct BegunStream {
    id: String,
    created_at: u64,
    sequence: u64,
    /// The response as it was when it began.
    response: Value,
    framer: Framer,
    /// An event of the answer has passed: it has begun, too.
    is_answered: bool,
    is_over: bool,
    is_done: bool,
}

/// The largest event of an answer. The layers further in have limits of their own.
const MAX_EVENT: usize = 64 << 20;

impl BegunStream {
    /// A new stream for this model, and its first events.
    pub(super) fn new(model: &str) -> (Self, String) {
        let (id, created_at) = (new_id(), unix_seconds());
        let response = response(&id, "in_progress", &Value::Null, model);
        let framer = Framer::new(MAX_EVENT);
        let mut stream = Self {
            id,
            created_at,
            sequence: 0,
            response,
            framer,
            is_answered: false,
            is_over: false,
            is_done: false,
        };
        let created = stream.event("response.created");
        let begun = created + &stream.heartbeat();
        (stream, begun)
    }

    /// A repeated `response.in_progress`.
    pub(super) fn heartbeat(&mut self) -> String {
        self.event("response.in_progress")
    }

    fn event(&mut self, kind: &str) -> String {
        event_text(kind, self.next(), &self.response)
    }

    fn next(&mut self) -> u64 {
        let next = self.sequence;
        self.sequence += 1;
        next
    }

    /// Whether the terminal event has passed.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Rewrites bytes of the committed answer.
    pub(super) fn read(&mut self, data: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(data.len() + 64);
        // Lent to the framer, which lends the events.
        let mut framer = std::mem::replace(&mut self.framer, Framer::new(0));
        let fed = framer.feed(data, |event| self.pass(event, &mut out));
        self.framer = framer;
        if let Err(TooLarge { cap, .. }) = fed
            && !self.is_over
        {
            let why = format!("more than {cap} bytes in one piece");
            out.extend(self.fail(&why).into_bytes());
        }
        out.into()
    }

    /// Ends the stream: gives an event whose blank line is missing, and `[DONE]` if the answer did
    /// not end with it.
    pub(super) fn end(&mut self) -> Bytes {
        let rest = self.read(b"\n\n");
        match self.is_over && !self.is_done {
            true => [&*rest, b"data: [DONE]\n\n"].concat().into(),
            false => rest,
        }
    }

    fn fail(&mut self, why: &str) -> String {
        (self.is_over, self.is_done) = (true, true);
        let model = self.response["model"].as_str().unwrap_or_default();
        let place = Some((self.id.as_str().into(), self.sequence.saturating_sub(1)));
        let record = AttemptRecord { response: place, ..AttemptRecord::default() };
        failed(Code::ProviderError.as_str(), why, model, &record)
    }

    fn pass(&mut self, event: Event<'_>, out: &mut Vec<u8>) {
        let data = match self.renamed(event) {
            Renamed::Dropped => return,
            Renamed::Data(data) => data,
        };
        if !event.name.is_empty() {
            out.extend_from_slice(b"event: ");
            out.extend_from_slice(event.name);
            out.push(b'\n');
        }
        for line in data.split(|&byte| byte == b'\n') {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(line);
            out.push(b'\n');
        }
        out.push(b'\n');
    }

    /// The event's data with the id, the time and the number of this stream.
    fn renamed<'a>(&mut self, event: Event<'a>) -> Renamed<'a> {
        let data = event.data;
        let as_it_is = Renamed::Data(data.into());
        let begin = data.len() - data.trim_ascii_start().len();
        if data.get(begin) != Some(&b'{') {
            self.is_done |= data.trim_ascii() == b"[DONE]";
            return as_it_is;
        }
        let Ok(wire) = crate::json::read::<Wire<'_>>(data) else { return as_it_is };
        let response = wire.response.map_or("", RawValue::get);
        let Response { id, created_at } = serde_json::from_str(response).unwrap_or_default();
        let kind = wire.kind.as_deref().map_or(event.name, str::as_bytes);
        match kind {
            b"response.created" | b"response.queued" => return Renamed::Dropped,
            b"response.in_progress" if !self.is_answered => return Renamed::Dropped,
            b"response.completed" | b"response.incomplete" | b"response.failed" => {
                self.is_over = true;
            }
            _ => {}
        }
        self.is_answered = true;
        let number = self.next().to_string();
        let name = Value::from(&*self.id).to_string();
        let mut changes: Vec<(Range<usize>, String)> = Vec::new();
        match wire.sequence_number {
            Some(raw) => changes.push((place(data, raw), number)),
            None => {
                let comma = if data[begin + 1..].trim_ascii_start() == b"}" { "" } else { "," };
                let field = format!("\"sequence_number\":{number}{comma}");
                changes.push((begin + 1..begin + 1, field));
            }
        }
        changes.extend(
            [id, wire.response_id]
                .into_iter()
                .flatten()
                .map(|raw| (place(data, raw), name.clone())),
        );
        changes.extend(created_at.map(|raw| (place(data, raw), self.created_at.to_string())));
        changes.sort_by_key(|(place, _)| place.start);
        let (mut changed, mut from) = (Vec::with_capacity(data.len() + 64), 0);
        for (place, text) in changes {
            changed.extend_from_slice(&data[from..place.start]);
            changed.extend_from_slice(text.as_bytes());
            from = place.end;
        }
        changed.extend_from_slice(&data[from..]);
        Renamed::Data(changed.into())
    }
}

enum Renamed<'a> {
    /// An opening event, which the client already has.
    Dropped,
    Data(Cow<'a, [u8]>),
}

/// What of an event names the response, or the event's place in it.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sequence_number: Option<&'a RawValue>,
    #[serde(borrow)]
    response_id: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
}

/// Where the value stands in the data that it was read from.
fn place(data: &[u8], raw: &RawValue) -> Range<usize> {
    let start = raw.get().as_ptr().addr() - data.as_ptr().addr();
    start..start + raw.get().len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::responses::tests::read, *};

    fn begun() -> (BegunStream, String) {
        let (stream, begun) = BegunStream::new("m\"1");
        let events = read(&begun);
        assert_eq!((events.len(), &events[1]["sequence_number"]), (2, &json!(1)));
        assert_eq!(events[0]["response"]["model"], "m\"1");
        (stream, events[0]["response"]["id"].as_str().unwrap().to_owned())
    }

    fn text(bytes: &Bytes) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn an_answer_goes_on_from_what_was_begun() {
        let (mut stream, id) = begun();
        assert_eq!(read(&stream.heartbeat())[0]["sequence_number"], 2);
        let answer = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_x\"}}\n\n\
            event: response.in_progress\ndata: {\"type\":\"response.in_progress\",\"sequence_number\":1,\"response\":{\"id\":\"resp_x\"}}\n\n\
            : keep-alive\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\" : 2 ,\"delta\":\"\\\"id\\\":\\\"resp_x\\\"\",\"item_id\":\"msg_1\"}\n\n\
            event: response.in_progress\ndata: {\"type\":\"response.in_progress\",\"sequence_number\":3,\"response\":{\"id\":\"resp_x\"}}\n\n\
            event: response.completed\r\ndata: {\"response\":{\"created_at\":1,\"output\":[{\"id\":\"msg_1\"}],\"id\":\"resp_x\",\"usage\":null},\r\ndata: \"sequence_number\":4,\"type\":\"response.completed\",\"response_id\":\"resp_x\"}\r\n\r\ndata: [DONE]\n\n";
        let created = stream.created_at;
        let passed = text(&stream.read(answer.as_bytes()));
        assert_eq!(
            passed,
            format!(
                "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"sequence_number\" : 3 ,\"delta\":\"\\\"id\\\":\\\"resp_x\\\"\",\"item_id\":\"msg_1\"}}\n\n\
                event: response.in_progress\ndata: {{\"type\":\"response.in_progress\",\"sequence_number\":4,\"response\":{{\"id\":\"{id}\"}}}}\n\n\
                event: response.completed\ndata: {{\"response\":{{\"created_at\":{created},\"output\":[{{\"id\":\"msg_1\"}}],\"id\":\"{id}\",\"usage\":null}},\ndata: \"sequence_number\":5,\"type\":\"response.completed\",\"response_id\":\"{id}\"}}\n\ndata: [DONE]\n\n"
            )
        );
        assert!(stream.is_over());
        assert_eq!(stream.end(), "");
        // Split anywhere it is the same.
        let (mut other, other_id) = begun();
        other.heartbeat();
        let mut pieces = Vec::new();
        for byte in answer.as_bytes().chunks(1) {
            pieces.extend(other.read(byte));
        }
        let pieces = String::from_utf8(pieces).unwrap().replace(&other_id, &id);
        assert_eq!(pieces.replace(&other.created_at.to_string(), &created.to_string()), passed);
    }

    #[test]
    fn what_is_no_event_of_a_response_passes() {
        let (mut stream, _) = begun();
        for (data, passed) in [
            ("data: [DONE]\n\n", "data: [DONE]\n\n"),
            ("data: ping\n\n", "data: ping\n\n"),
            ("data: {oops\n\n", "data: {oops\n\n"),
            ("data: {}\n\n", "data: {\"sequence_number\":2}\n\n"),
            ("data:  {\"a\":1}\n\n", "data:  {\"sequence_number\":3,\"a\":1}\n\n"),
            (
                "event: x\nid: 7\ndata: {\"type\":\"error\"}\n\n",
                "event: x\ndata: {\"sequence_number\":4,\"type\":\"error\"}\n\n",
            ),
        ] {
            assert_eq!(text(&stream.read(data.as_bytes())), passed, "{data}");
        }
        assert!(!stream.is_over());
        assert_eq!(stream.read(b"data: [DONE]\n"), "");
        assert_eq!(stream.end(), "data: [DONE]\n\n");

        let (mut stream, _) = begun();
        assert_eq!(stream.end(), "", "nothing is whole yet");
        stream.read(b"data: {\"type\":\"response.completed\"}\n\n");
        assert_eq!(stream.end(), "data: [DONE]\n\n");
    }

    #[test]
    fn its_failure_has_its_id() {
        let (mut stream, id) = begun();
        let end = failed("PROVIDER_ERROR", "m", "model", &AttemptRecord::default());
        let passed = text(&stream.read(end.as_bytes()));
        let events = read(passed.strip_suffix("data: [DONE]\n\n").unwrap());
        assert_eq!(events.len(), 1);
        assert_eq!(
            (&events[0]["sequence_number"], &events[0]["response"]["id"]),
            (&json!(2), &json!(id))
        );

        let (mut stream, id) = begun();
        stream.framer = Framer::new(10);
        let passed = text(&stream.read(b"data: {\"a\":\"a long one\"}\n\n"));
        let events = read(passed.strip_suffix("data: [DONE]\n\n").unwrap());
        assert_eq!(
            (&events[0]["sequence_number"], &events[0]["response"]["id"]),
            (&json!(2), &json!(id))
        );
        assert!(stream.is_over());
    }
}
