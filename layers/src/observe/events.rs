use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::{layer::ErrorPolicy, ready_frames::ReadyFrames, stream::StreamReader, stream::Verdict};
use crate::{
    Dialect,
    exchange::{Fault, Recorder},
    sse::{Framer, TooLarge},
};

const DONE: &[u8] = b"data: [DONE]\n\n";

/// Reads an event stream and passes whole events only, so that a layer that has to end a broken
/// stream can append an event of its own that the client parses.
pub(super) struct Events {
    framer: Framer,
    reader: StreamReader,
    /// The beginning of an event whose end has not come.
    tail: Vec<Bytes>,
    tail_size: usize,
    cap: usize,
    /// The last event was dropped and ended in a CR: an LF that comes next belongs to it.
    drops_lf: bool,
}

/// A part of a chunk that is removed, and its replacement.
struct Edit {
    range: Range<usize>,
    replacement: &'static [u8],
}

impl Events {
    pub(super) fn new(dialect: Dialect, cap: usize, withhold_usage: bool) -> Self {
        Self {
            framer: Framer::new(cap),
            reader: StreamReader::new(dialect, withhold_usage),
            tail: Vec::new(),
            tail_size: 0,
            cap,
            drops_lf: false,
        }
    }

    pub(super) fn read(
        &mut self,
        data: Bytes,
        out: &mut ReadyFrames,
        recorder: &Recorder,
        errors: &ErrorPolicy,
    ) -> Result<(), Fault> {
        let Self { framer, reader, tail, drops_lf, .. } = self;
        let mut broken = None;
        // Never allocates when everything passes.
        let mut edits = Vec::new();
        if *drops_lf && !data.is_empty() {
            *drops_lf = false;
            if data[0] == b'\n' {
                edits.push(Edit { range: 0..1, replacement: b"" });
            }
        }
        let framed = framer.feed_blocks(&data, |event| {
            if broken.is_some() {
                return;
            }
            let range = event.start..event.end;
            let replacement = match reader.read(event, recorder, errors) {
                Ok(Verdict::Passes) => return,
                Ok(Verdict::Done) if is_plain_done(tail, &data[range.clone()]) => return,
                Ok(Verdict::Done) => DONE,
                Ok(Verdict::Dropped) => b"",
                Err(fault) => {
                    broken = Some((fault, range.start));
                    return;
                }
            };
            edits.push(Edit { range, replacement });
        });
        let (whole, result) = match (broken, framed) {
            (Some((fault, start)), _) => (start, Err(fault)),
            (None, Ok(whole)) => (whole, Ok(())),
            (None, Err(TooLarge { cap, whole })) => (whole, Err(Fault::TooLarge(cap))),
        };
        self.pass(data, whole, &edits, out);
        let result = match result {
            Ok(()) if self.tail_size > self.cap => Err(Fault::TooLarge(self.cap)),
            result => result,
        };
        result.inspect_err(|_| self.reader.broken(recorder))
    }

    /// Lets the whole events pass, as they were edited, and keeps the rest. An empty frame says
    /// that bytes came, but none that may pass.
    fn pass(&mut self, mut data: Bytes, whole: usize, edits: &[Edit], out: &mut ReadyFrames) {
        let rest = data.split_off(whole);
        let mut passed = 0;
        for Edit { range, replacement } in edits {
            // What was kept is the beginning of the first event.
            if range.start == 0 {
                self.drop_tail();
            } else if range.start > passed {
                out.push(self.joined(data.slice(passed..range.start)));
            }
            if !replacement.is_empty() {
                out.push(Bytes::from_static(replacement));
            }
            passed = range.end;
            self.drops_lf = passed == whole && rest.is_empty() && data.ends_with(b"\r");
        }
        let data = data.slice(passed..);
        if !data.is_empty() {
            out.push(self.joined(data));
        } else if out.is_empty() {
            out.push(Bytes::new());
        }
        if !rest.is_empty() {
            self.tail_size += rest.len();
            self.tail.push(rest);
        }
    }

    /// What was kept and `data`, in one frame: a reader should not be given a burst of pieces.
    fn joined(&mut self, data: Bytes) -> Bytes {
        if self.tail.is_empty() {
            return data;
        }
        let mut joined = BytesMut::with_capacity(self.tail_size + data.len());
        self.tail.drain(..).for_each(|frame| joined.extend_from_slice(&frame));
        joined.extend_from_slice(&data);
        self.tail_size = 0;
        joined.freeze()
    }

    pub(super) fn is_finished(&self) -> bool {
        self.reader.is_finished()
    }

    pub(super) fn drop_tail(&mut self) {
        self.tail.clear();
        self.tail_size = 0;
    }

    pub(super) fn end(mut self, out: &mut ReadyFrames, recorder: &Recorder) -> Result<(), Fault> {
        if !self.reader.is_finished() {
            self.reader.broken(recorder);
            return Err(Fault::Unfinished);
        }
        // A last event without its blank line: no reader minds, and it is the provider's.
        let rest = self.joined(Bytes::new());
        let mut passes = !rest.is_empty();
        if passes {
            let Self { framer, reader, .. } = &mut self;
            let _ = framer.feed_blocks(b"\n\n", |event| {
                passes &= reader.read_behind(event, recorder) != Verdict::Dropped;
            });
        }
        if passes {
            out.push(rest);
        }
        if self.reader.owes_done() {
            if passes {
                out.push(Bytes::from_static(b"\n\n"));
            }
            out.push(Bytes::from_static(DONE));
        }
        self.reader.ended(recorder);
        Ok(())
    }

    pub(super) fn broken(mut self, recorder: &Recorder) {
        self.reader.broken(recorder);
    }
}

/// Whether `[DONE]` stands in this event as readers of lines know it. `tail` is the event's
/// beginning if it does not stand in the chunk.
fn is_plain_done(tail: &[Bytes], event: &[u8]) -> bool {
    const LINE: &[u8] = b"data: [DONE]";
    let is_in =
        |bytes: &[u8]| bytes.split(|byte| matches!(byte, b'\n' | b'\r')).any(|line| line == LINE);
    is_in(event) || !tail.is_empty() && is_in(&[&tail.concat(), event].concat())
}
