use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header::CONTENT_TYPE};

use super::{
    chat, error,
    event_summary::{EventSummary, Progress},
    events::Events,
    layer::ErrorPolicy,
    ready_frames::ReadyFrames,
    responses,
};
use crate::{
    Dialect,
    exchange::{Fault, Recorder},
    sse::is_event_stream,
};

/// Reads an answer as its frames pass, and writes to the recorder. Does no I/O.
pub(super) enum Reader {
    /// An event stream.
    Events(Box<Events>),
    /// A JSON answer, or an error's: read when it is whole.
    Whole { kind: BodyFormat, held: Vec<Bytes>, size: usize, cap: usize },
    /// Only its end is of interest.
    Opaque,
}

#[derive(Clone, Copy)]
pub(super) enum BodyFormat {
    Answer(Dialect),
    Error { is_page: bool },
}

impl Reader {
    pub(super) fn of<B>(
        response: &Response<B>,
        dialect: Option<Dialect>,
        cap: usize,
        withhold_usage: bool,
    ) -> Self {
        match (dialect, response.status()) {
            (Some(dialect), status) if status.is_success() => {
                if is_event_stream(response.headers()) {
                    Self::Events(Box::new(Events::new(dialect, cap, withhold_usage)))
                } else {
                    Self::whole(BodyFormat::Answer(dialect), cap)
                }
            }
            (_, status) if is_error(status) => {
                Self::whole(BodyFormat::Error { is_page: is_page(response.headers()) }, cap)
            }
            _ => Self::Opaque,
        }
    }

    fn whole(kind: BodyFormat, cap: usize) -> Self {
        Self::Whole { kind, held: Vec::new(), size: 0, cap }
    }

    /// A frame has come: what may pass goes to the outbox.
    ///
    /// # Errors
    ///
    /// When the stream is broken; what came before the break is in the outbox.
    pub(super) fn read(
        &mut self,
        data: Bytes,
        out: &mut ReadyFrames,
        recorder: &Recorder,
        errors: &ErrorPolicy,
    ) -> Result<(), Fault> {
        match self {
            Self::Events(events) => return events.read(data, out, recorder, errors),
            Self::Whole { held, size, cap, .. } => {
                *size += data.len();
                if *size > *cap {
                    recorder.update(|record| record.content = true);
                    *self = Self::Opaque;
                } else {
                    held.push(data.clone());
                }
            }
            Self::Opaque => {}
        }
        out.push(data);
        Ok(())
    }

    /// The body has come to its clean end.
    ///
    /// # Errors
    ///
    /// When a stream was not whole. A JSON answer that is no answer is only recorded: its bytes
    /// have passed, and its length was announced.
    pub(super) fn end(self, out: &mut ReadyFrames, recorder: &Recorder) -> Result<(), Fault> {
        match self {
            Self::Events(events) => return events.end(out, recorder),
            Self::Whole { kind: BodyFormat::Answer(dialect), held, .. } => {
                let whole = join(held);
                let mut progress = Progress::default();
                let news = |news: EventSummary<'_>| progress.note(news, recorder);
                let read = match dialect {
                    Dialect::Chat => chat::read_answer(&whole, news),
                    Dialect::Responses => responses::read_answer(&whole, news),
                };
                if let Err(fault) = read {
                    let said = || error::read_in_place_of_answer(&whole).map(Fault::Upstream);
                    let is_odd = matches!(fault, Fault::Malformed(_));
                    recorder.fault(is_odd.then(said).flatten().unwrap_or(fault));
                }
                progress.ended(recorder);
            }
            Self::Whole { kind: BodyFormat::Error { is_page }, held, .. } => {
                read_error(held, is_page, recorder);
            }
            Self::Opaque => {}
        }
        Ok(())
    }

    pub(super) fn is_events(&self) -> bool {
        matches!(self, Self::Events(_))
    }

    /// Half an event is none.
    pub(super) fn drop_tail(&mut self) {
        if let Self::Events(events) = self {
            events.drop_tail();
        }
    }

    /// Whether an event stream has come to its finish reason.
    pub(super) fn is_finished(&self) -> bool {
        matches!(self, Self::Events(events) if events.is_finished())
    }

    /// The transport failed.
    pub(super) fn broken(self, recorder: &Recorder) {
        match self {
            Self::Events(events) => events.broken(recorder),
            // What an error said counts, however its body ended.
            Self::Whole { kind: BodyFormat::Error { is_page }, held, .. } => {
                read_error(held, is_page, recorder);
            }
            Self::Whole { .. } | Self::Opaque => {}
        }
    }
}

fn read_error(held: Vec<Bytes>, is_page: bool, recorder: &Recorder) {
    let error = error::read_labelled(&join(held), is_page);
    recorder.update(|record| record.error = Some(error));
}

fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

fn join(mut held: Vec<Bytes>) -> Bytes {
    match held.len() {
        0 => Bytes::new(),
        1 => held.swap_remove(0),
        _ => held.concat().into(),
    }
}
