use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use super::{
    chat, error,
    progress::{News, Progress},
    responses,
};
use crate::{
    Dialect,
    exchange::{Fault, Recorder},
    sse::Framer,
};

/// Reads an answer as its frames pass, and writes to the recorder. Does no I/O.
pub(super) enum Reader {
    /// An event stream.
    Events(Events),
    /// A JSON answer, or an error's: read when it is whole.
    Whole { kind: Kind, held: Vec<Bytes>, size: usize, cap: usize },
    /// Only its end is of interest.
    Opaque,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Answer(Dialect),
    Error,
}

impl Reader {
    pub(super) fn of<B>(response: &Response<B>, dialect: Option<Dialect>, cap: usize) -> Self {
        match (dialect, response.status()) {
            (Some(dialect), status) if status.is_success() => {
                if is_event_stream(response.headers()) {
                    Self::Events(Events {
                        dialect,
                        framer: Framer::new(cap),
                        progress: Progress::default(),
                    })
                } else {
                    Self::whole(Kind::Answer(dialect), cap)
                }
            }
            (_, status) if is_error(status) => Self::whole(Kind::Error, cap),
            _ => Self::Opaque,
        }
    }

    fn whole(kind: Kind, cap: usize) -> Self {
        Self::Whole { kind, held: Vec::new(), size: 0, cap }
    }

    /// One frame has passed.
    pub(super) fn read(&mut self, data: &Bytes, recorder: &Recorder) {
        match self {
            Self::Events(events) => {
                if let Err(fault) = events.read(data, recorder) {
                    recorder.fault(fault);
                    *self = Self::Opaque;
                }
            }
            Self::Whole { held, size, cap, .. } => {
                *size += data.len();
                if *size > *cap {
                    recorder.update(|facts| facts.content = true);
                    *self = Self::Opaque;
                } else {
                    held.push(data.clone());
                }
            }
            Self::Opaque => {}
        }
    }

    /// The body has come to its clean end.
    pub(super) fn end(self, recorder: &Recorder) {
        match self {
            Self::Events(events) if !events.progress.is_finished() => {
                recorder.fault(Fault::Unfinished);
            }
            Self::Whole { kind: Kind::Answer(dialect), held, .. } => {
                let whole = join(held);
                let news = |news: News<'_>| Progress::default().note(news, recorder);
                let read = match dialect {
                    Dialect::Chat => chat::read_answer(&whole, news),
                    Dialect::Responses => responses::read_answer(&whole, news),
                };
                if let Err(fault) = read {
                    recorder.fault(fault);
                }
            }
            Self::Whole { kind: Kind::Error, held, .. } => {
                let error = error::read_body(&join(held));
                recorder.update(|facts| facts.error = Some(error));
            }
            Self::Events(_) | Self::Opaque => {}
        }
    }
}

pub(super) struct Events {
    dialect: Dialect,
    framer: Framer,
    progress: Progress,
}

impl Events {
    fn read(&mut self, data: &Bytes, recorder: &Recorder) -> Result<(), Fault> {
        let Self { dialect, framer, progress } = self;
        let mut result = Ok(());
        let framed = framer.feed(data, |event| {
            if result.is_err() || event.data == b"[DONE]" {
                return;
            }
            let news = |news: News<'_>| progress.note(news, recorder);
            result = match dialect {
                Dialect::Chat => chat::read_event(event, news),
                Dialect::Responses => responses::read_event(event, news),
            };
        });
        result.and(framed.map_err(|too_large| Fault::TooLarge(too_large.0)))
    }
}

fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let essence = value.split(|&byte| byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

fn join(mut held: Vec<Bytes>) -> Bytes {
    match held.len() {
        0 => Bytes::new(),
        1 => held.swap_remove(0),
        _ => held.concat().into(),
    }
}
