use std::error::Error;

use bytes::Bytes;

use super::{Failure, StreamTranslator};
use crate::{
    classify::DeadlineError,
    exchange::Fault,
    sse::{Framer, KEEP_ALIVE, TooLarge},
};

/// A Chat Completions stream on its way to becoming a Responses stream: bytes in, bytes out, split
/// anywhere. No I/O, no clock.
pub(super) struct Stream {
    framer: Framer,
    translator: StreamTranslator,
    out: Vec<u8>,
    is_failed: bool,
}

impl Stream {
    pub(super) fn new(translator: StreamTranslator, cap: usize) -> Self {
        Self { framer: Framer::new(cap), translator, out: Vec::new(), is_failed: false }
    }

    /// Whether the terminal event was written.
    pub(super) fn is_over(&self) -> bool {
        self.translator.is_over()
    }

    /// What was written since the last time.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        if self.out.is_empty() {
            return None;
        }
        let room = self.out.len();
        Some(std::mem::replace(&mut self.out, Vec::with_capacity(room)).into())
    }

    /// Whether it ended in `response.failed` because of what came: nothing more is wanted.
    pub(super) fn is_failed(&self) -> bool {
        self.is_failed
    }

    /// Some bytes have come, at `now` (Unix seconds).
    pub(super) fn read(&mut self, data: &[u8], now: u64) {
        let Self { framer, translator, out, is_failed } = self;
        let mut fault = None;
        let framed = framer.feed(data, |event| match event.data {
            _ if fault.is_some() => {}
            data if event.name == b"error" => fault = Some(error_event(data)),
            data if translator.is_end(data) => translator.finish(now, out),
            data => fault = translator.chunk(data, out).err(),
        });
        let too_large = framed.err().map(|TooLarge { cap, .. }| Fault::TooLarge(cap));
        if let Some(fault) = fault.or(too_large) {
            *is_failed = true;
            translator.fail(&Failure::from(&fault), out);
        }
    }

    /// Nothing has come for long: writes a comment, and perhaps an event.
    pub(super) fn heartbeat(&mut self, with_event: bool) {
        self.out.extend_from_slice(KEEP_ALIVE);
        if with_event {
            self.translator.heartbeat(&mut self.out);
        }
    }

    /// The bytes have come to an end.
    pub(super) fn end(&mut self, now: u64) {
        self.translator.finish(now, &mut self.out);
    }

    /// The transport failed, or a layer further in has ended the answer. Behind its finish reason
    /// it is whole all the same.
    pub(super) fn broken(&mut self, error: &(dyn Error + 'static)) {
        let fault = if let Some(fault) = error.downcast_ref::<Fault>() {
            fault.clone()
        } else if let Some(passed) = error.downcast_ref::<DeadlineError>() {
            Fault::Deadline(*passed)
        } else {
            Fault::Transport(error.to_string().into())
        };
        self.translator.fail(&Failure::from(&fault), &mut self.out);
    }
}

/// An event that calls itself an error is one, whatever it looks like.
fn error_event(data: &[u8]) -> Fault {
    Fault::Upstream(crate::exchange::UpstreamError::read(data))
}
