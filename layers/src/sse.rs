//! Server-sent events, framed as they pass (the WHATWG HTML standard, section 9.2.6).
//!
//! The crates in the field take the stream itself and give back owned strings; here the bytes go
//! on to the client untouched and are only looked at, so the framer is a push parser that lends
//! each event from the chunk it stands in, and copies only what a chunk boundary cuts in two.

use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use memchr::memchr2;

/// The comment that keeps a silent stream alive. It is one line: readers in wide use take a blank
/// line behind it for an empty event. It may only be written between whole events.
pub const KEEP_ALIVE: &[u8] = b": keep-alive\n";

/// Whether an answer with this head is an event stream.
pub fn is_event_stream(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let essence = value.split(|&byte| byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

/// A parsed event, borrowed for the time of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field; empty when there is none.
    pub name: &'a [u8],
    /// The `data` lines, joined by newlines.
    pub data: &'a [u8],
    /// Whether there was a `data` line. Always true of the events that [`Framer::feed`] reports.
    pub has_data: bool,
    /// The last `id` field so far, of this event or an earlier one; empty when there was none.
    pub id: &'a [u8],
    /// Offset of the event in the chunk; 0 when it began in an earlier chunk.
    pub start: usize,
    /// Offset of the end of the event's blank line in the chunk.
    pub end: usize,
}

/// A single event grew over the framer's cap. The framer must not be fed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The cap, in bytes.
    pub cap: usize,
    /// Number of bytes of the chunk before its last event boundary.
    pub whole: usize,
}

/// An incremental parser: feed it chunks, split anywhere, and it calls back for each event.
///
/// ```
/// use switchtower_layers::sse::Framer;
///
/// let mut framer = Framer::new(1 << 20);
/// let mut seen = Vec::new();
/// for chunk in [&b"data: {\"a\""[..], b":1}\r", b"\n\r\n: comment\n\ndata: [DONE]\n\n"] {
///     framer.feed(chunk, |event| seen.push(String::from_utf8_lossy(event.data).into_owned()))?;
/// }
/// assert_eq!(seen, [r#"{"a":1}"#, "[DONE]"]);
/// # Ok::<_, switchtower_layers::sse::TooLarge>(())
/// ```
#[derive(Debug)]
pub struct Framer {
    cap: usize,
    /// The start of a line whose end has not come yet.
    line: Vec<u8>,
    /// Data lines of the event so far, when it has more than the one that can be lent.
    data: Vec<u8>,
    has_data: bool,
    /// A field without data that some readers take for an event: a name, an id or a retry time.
    has_field: bool,
    name: Vec<u8>,
    id: Vec<u8>,
    /// A CR ended the last chunk: an LF that begins the next one belongs to it.
    after_cr: bool,
    /// The last line was blank: no event has begun since.
    at_boundary: bool,
    at_start: bool,
}

const BOM: &[u8] = b"\xef\xbb\xbf";

impl Framer {
    /// A framer that holds at most `cap` bytes of one event.
    pub fn new(cap: usize) -> Self {
        Self {
            cap,
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            has_field: false,
            name: Vec::new(),
            id: Vec::new(),
            after_cr: false,
            at_boundary: true,
            at_start: true,
        }
    }

    /// Reads the next chunk of the stream and calls `on_event` for each event that it completes.
    /// An event whose blank line never comes is never reported, as the standard says.
    ///
    /// Gives how many bytes of the chunk stand before its last event boundary (a blank line):
    /// what follows them is the beginning of an event that is not whole yet.
    ///
    /// # Errors
    ///
    /// When one event is larger than the cap.
    pub fn feed(
        &mut self,
        chunk: &[u8],
        mut on_event: impl FnMut(Event<'_>),
    ) -> Result<usize, TooLarge> {
        self.feed_blocks(chunk, |event| {
            if event.has_data {
                on_event(event);
            }
        })
    }

    /// Like [`feed`](Self::feed), but also reports blocks without data that the standard ignores
    /// and widely used readers (the OpenAI SDK for Python) take for an event with empty data:
    /// those with a name, an id or a retry time.
    ///
    /// # Errors
    ///
    /// When one event is larger than the cap.
    pub fn feed_blocks(
        &mut self,
        chunk: &[u8],
        mut on_event: impl FnMut(Event<'_>),
    ) -> Result<usize, TooLarge> {
        let mut rest = chunk;
        let mut boundary = 0;
        // The one data line that can be lent from this chunk.
        let mut lent: Option<&[u8]> = None;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            if self.at_boundary {
                // It belongs to the blank line of the event before.
                boundary = chunk.len() - rest.len();
            }
        }
        while let Some(end) = memchr2(b'\n', b'\r', rest) {
            let (line, ending) = rest.split_at(end);
            rest = match ending {
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
                [] => &[],
            };
            self.after_cr = ending == b"\r";
            let (start, end) = (boundary, chunk.len() - rest.len());
            let mut emit = |name: &[u8], data: Option<&[u8]>, id: &[u8]| {
                let has_data = data.is_some();
                on_event(Event { name, data: data.unwrap_or_default(), has_data, id, start, end });
            };
            let is_boundary = if self.line.is_empty() {
                self.take_line(line, &mut lent, &mut emit)
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                let mut from_whole = None;
                let is_boundary = self.take_line(&whole, &mut from_whole, &mut emit);
                self.keep(from_whole);
                whole.clear();
                self.line = whole;
                is_boundary
            };
            self.at_boundary = is_boundary;
            if is_boundary {
                boundary = end;
            }
            self.check_cap(lent, boundary)?;
        }
        self.keep(lent);
        self.line.extend_from_slice(rest);
        self.check_cap(None, boundary)?;
        Ok(boundary)
    }

    fn check_cap(&self, lent: Option<&[u8]>, whole: usize) -> Result<(), TooLarge> {
        let held = self.line.len()
            + self.data.len()
            + self.name.len()
            + self.id.len()
            + lent.map_or(0, <[u8]>::len);
        if held > self.cap { Err(TooLarge { cap: self.cap, whole }) } else { Ok(()) }
    }

    /// Copies a lent line into the data, because its chunk or its turn is over.
    fn keep(&mut self, lent: Option<&[u8]>) {
        if let Some(line) = lent {
            if self.has_data {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(line);
            self.has_data = true;
        }
    }

    /// Handles one whole line, without its ending. Gives whether it was blank.
    fn take_line<'a>(
        &mut self,
        line: &'a [u8],
        lent: &mut Option<&'a [u8]>,
        emit: &mut impl FnMut(&[u8], Option<&[u8]>, &[u8]),
    ) -> bool {
        let line = if std::mem::take(&mut self.at_start) {
            line.strip_prefix(BOM).unwrap_or(line)
        } else {
            line
        };
        if line.is_empty() {
            self.dispatch(lent.take(), emit);
            return true;
        }
        match field(line) {
            (b"data", value) => self.keep(lent.replace(value)),
            (b"event", value) => {
                self.has_field = true;
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            // The standard has one with a null ignored.
            (b"id", value) if !value.contains(&0) => {
                self.has_field = true;
                self.id.clear();
                self.id.extend_from_slice(value);
            }
            (b"retry", _) => self.has_field = true,
            _ => {}
        }
        false
    }

    fn dispatch(
        &mut self,
        lent: Option<&[u8]>,
        emit: &mut impl FnMut(&[u8], Option<&[u8]>, &[u8]),
    ) {
        match lent {
            Some(data) if !self.has_data => emit(&self.name, Some(data), &self.id),
            lent => {
                self.keep(lent);
                if self.has_data {
                    emit(&self.name, Some(&self.data), &self.id);
                } else if self.has_field {
                    emit(&self.name, None, &self.id);
                }
            }
        }
        self.data.clear();
        self.name.clear();
        self.has_data = false;
        self.has_field = false;
    }
}

/// Splits a line into field name and value. A comment has an empty name.
fn field(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b':', line) {
        None => (line, &[]),
        Some(colon) => {
            let value = &line[colon + 1..];
            (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Owned = (Vec<u8>, Vec<u8>);

    fn frame<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Owned> {
        let mut framer = Framer::new(1 << 20);
        let mut events = Vec::new();
        for chunk in chunks {
            framer.feed(chunk, |e| events.push((e.name.to_vec(), e.data.to_vec()))).unwrap();
        }
        events
    }

    fn data(text: &str) -> Vec<String> {
        frame([text.as_bytes()]).into_iter().map(|(_, d)| String::from_utf8(d).unwrap()).collect()
    }

    #[test]
    fn line_endings_comments_and_fields() {
        assert_eq!(data("data: a\n\ndata: b\r\n\r\ndata: c\r\rdata:d\n\n"), ["a", "b", "c", "d"]);
        assert_eq!(data(": OPENROUTER PROCESSING\n\ndata: a\n\n"), ["a"]);
        assert_eq!(data("data: a\ndata: b\n\n"), ["a\nb"]);
        assert_eq!(data("data: a\n: between\nid: 1\nretry: 5\nunknown\ndata: b\n\n"), ["a\nb"]);
        assert_eq!(data("data:  two spaces\n\n"), [" two spaces"]);
        assert_eq!(data("data\n\ndata:\ndata:\n\n"), ["", "\n"]);
        assert_eq!(data("\u{feff}data: bom\n\n"), ["bom"]);
        assert_eq!(data("data: a\u{2028}b\n\n"), ["a\u{2028}b"]);
        assert_eq!(data("data: never ended\n"), Vec::<String>::new());
        assert_eq!(data("event: ping\n\n"), Vec::<String>::new());
    }

    #[test]
    fn the_name_belongs_to_one_event() {
        let events = frame([&b"event: error\ndata: a\n\ndata: b\n\n"[..]]);
        assert_eq!(events, [(b"error".to_vec(), b"a".to_vec()), (vec![], b"b".to_vec())]);
    }

    #[test]
    fn blocks_without_data_are_reported_on_request() {
        let blocks = |text: &str| {
            let mut blocks = Vec::new();
            let framed = Framer::new(100).feed_blocks(text.as_bytes(), |event| {
                blocks.push((event.has_data, text[event.start..event.end].to_owned()));
            });
            assert!(framed.is_ok());
            blocks
        };
        let seen =
            blocks("event: ping\n\ndata:\n\nid: 1\n\n: hi\n\n\nretry: 5\n\nunknown\n\ndata: a\n\n");
        let expected = [
            (false, "event: ping\n\n"),
            (true, "data:\n\n"),
            (false, "id: 1\n\n"),
            (false, "retry: 5\n\n"),
            (true, "data: a\n\n"),
        ];
        assert_eq!(seen, expected.map(|(has_data, text)| (has_data, text.to_owned())));
    }

    #[test]
    fn the_id_stays_until_the_next_one() {
        let mut ids = Vec::new();
        let mut framer = Framer::new(100);
        for chunk in [&b"data: a\n\nid: 7"[..], b"1\ndata: b\n\ndata: c\n\nid: \0\nid\ndata: d\n\n"]
        {
            framer.feed(chunk, |event| ids.push(event.id.to_vec())).unwrap();
        }
        assert_eq!(ids, [&b""[..], b"71", b"71", b""]);
    }

    #[test]
    fn one_event_is_capped_but_many_are_not() {
        let mut framer = Framer::new(16);
        for _ in 0..100 {
            framer.feed(b"data: 0123456789\n\n", |_| {}).unwrap();
        }
        assert_eq!(framer.feed(b"data: 0123456789", |_| {}), Ok(0));
        assert_eq!(framer.feed(b"0123456789", |_| {}), Err(TooLarge { cap: 16, whole: 0 }));

        let mut framer = Framer::new(16);
        let lines = b"data: 0123456789\ndata: 0123456789\n";
        assert_eq!(framer.feed(lines, |_| {}), Err(TooLarge { cap: 16, whole: 0 }));
    }

    #[test]
    fn boundaries_are_where_events_end() {
        let mut framer = Framer::new(100);
        let mut starts = Vec::new();
        let chunk = b": hi\n\ndata: a\n\ndata: b\r\n\r\ndata:";
        assert_eq!(framer.feed(chunk, |event| starts.push(event.start)), Ok(26));
        assert_eq!(starts, [6, 15]);
        assert_eq!(framer.feed(b" c\n", |_| {}), Ok(0));
        assert_eq!(framer.feed(b"\ndata: d", |event| assert_eq!(event.start, 0)), Ok(1));
    }

    /// The standard read literally, over the whole text.
    fn reference(text: &[u8]) -> Vec<Owned> {
        let text = text.strip_prefix(BOM).unwrap_or(text);
        let (mut events, mut lines, mut line) = (Vec::new(), Vec::new(), Vec::new());
        let mut bytes = text.iter().peekable();
        while let Some(&byte) = bytes.next() {
            match byte {
                b'\r' => {
                    bytes.next_if_eq(&&b'\n');
                    lines.push(std::mem::take(&mut line));
                }
                b'\n' => lines.push(std::mem::take(&mut line)),
                other => line.push(other),
            }
        }
        let (mut data, mut name): (Option<Vec<u8>>, Vec<u8>) = (None, Vec::new());
        for line in lines {
            if line.is_empty() {
                let name = std::mem::take(&mut name);
                events.extend(data.take().map(|data| (name, data)));
                continue;
            }
            match field(&line) {
                (b"data", value) => match &mut data {
                    Some(data) => {
                        data.push(b'\n');
                        data.extend_from_slice(value);
                    }
                    None => data = Some(value.to_vec()),
                },
                (b"event", value) => name = value.to_vec(),
                _ => {}
            }
        }
        events
    }

    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just("data: ".to_owned()),
            Just("data".to_owned()),
            Just("event: x".to_owned()),
            Just(":".to_owned()),
            Just("\n".to_owned()),
            Just("\r".to_owned()),
            Just("\r\n".to_owned()),
            Just("\n\n".to_owned()),
            Just("\u{feff}".to_owned()),
            Just("{\"a\":\"é\u{2028}\"}".to_owned()),
            ".{0,3}",
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn any_split_gives_the_events_of_the_standard(
            text in stream(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]);
            prop_assert_eq!(frame(chunks), reference(&text));
            prop_assert_eq!(frame(text.chunks(1)), reference(&text));
        }
    }
}
