use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::{
    chat,
    outbox::Outbox,
    progress::{News, Progress},
    responses,
};
use crate::{
    Dialect,
    exchange::{Fault, Recorder},
    familiar::Familiar,
    sse::{Framer, TooLarge},
};

/// Reads an event stream, and lets only whole events pass: whoever has to end a stream that broke
/// can then do so with an event of its own, which the reader will understand.
pub(super) struct Events {
    dialect: Dialect,
    framer: Framer,
    familiar: Familiar<()>,
    progress: Progress,
    /// The beginning of an event whose end has not come.
    tail: Vec<Bytes>,
    tail_size: usize,
    cap: usize,
    /// `[DONE]` has come.
    done: bool,
    /// The chunk with the usage is not for the client.
    withhold_usage: bool,
}

impl Events {
    pub(super) fn new(dialect: Dialect, cap: usize, withhold_usage: bool) -> Self {
        Self {
            dialect,
            framer: Framer::new(cap),
            familiar: Familiar::default(),
            progress: Progress::default(),
            tail: Vec::new(),
            tail_size: 0,
            cap,
            done: false,
            withhold_usage,
        }
    }

    pub(super) fn read(
        &mut self,
        data: Bytes,
        out: &mut Outbox,
        recorder: &Recorder,
    ) -> Result<(), Fault> {
        let Self { dialect, framer, familiar, progress, done, withhold_usage, .. } = self;
        let mut broken = None;
        // Never allocates when nothing is withheld.
        let mut withheld = Vec::new();
        let framed = framer.feed(&data, |event| {
            if broken.is_some() || *done {
                return;
            }
            if event.data == b"[DONE]" {
                *done = true;
                // Passed on, it would make half an answer look whole.
                if !progress.is_finished() {
                    broken = Some((Fault::Unfinished, event.start));
                }
                return;
            }
            let news = |news: News<'_>| progress.note(news, recorder);
            let read = match dialect {
                Dialect::Chat => chat::read_event(event, familiar, news),
                Dialect::Responses => responses::read_event(event, news).map(|()| false),
            };
            match read {
                Ok(true) if *withhold_usage => withheld.push(event.start..event.end),
                Ok(_) => {}
                Err(fault) => broken = Some((fault, event.start)),
            }
        });
        let (whole, result) = match (broken, framed) {
            (Some((fault, start)), _) => (start, Err(fault)),
            (None, Ok(whole)) => (whole, Ok(())),
            (None, Err(TooLarge { cap, whole })) => (whole, Err(Fault::TooLarge(cap))),
        };
        self.pass(data, whole, &withheld, out);
        let result = match result {
            Ok(()) if self.tail_size > self.cap => Err(Fault::TooLarge(self.cap)),
            result => result,
        };
        result.inspect_err(|_| self.progress.broken(recorder))
    }

    /// Lets the whole events pass, except for those that are withheld, and keeps the rest. An
    /// empty frame says that bytes came, but none that may pass.
    fn pass(&mut self, mut data: Bytes, whole: usize, withheld: &[Range<usize>], out: &mut Outbox) {
        let rest = data.split_off(whole);
        let mut passed = 0;
        for range in withheld {
            // What was kept is the beginning of the first event.
            if range.start == 0 {
                self.drop_tail();
            } else if range.start > passed {
                out.push(self.joined(data.slice(passed..range.start)));
            }
            passed = range.end;
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
        self.progress.is_finished()
    }

    pub(super) fn drop_tail(&mut self) {
        self.tail.clear();
        self.tail_size = 0;
    }

    pub(super) fn end(mut self, out: &mut Outbox, recorder: &Recorder) -> Result<(), Fault> {
        if !self.progress.is_finished() {
            self.progress.broken(recorder);
            return Err(Fault::Unfinished);
        }
        self.progress.ended(recorder);
        // A last line without its blank line: no reader minds, and it is the provider's.
        let rest = self.joined(Bytes::new());
        if !rest.is_empty() {
            out.push(rest);
        }
        Ok(())
    }

    pub(super) fn broken(mut self, recorder: &Recorder) {
        self.progress.broken(recorder);
    }
}
