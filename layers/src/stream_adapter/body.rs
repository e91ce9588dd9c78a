use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{
    convert::Adapter,
    form::{Form, form},
    future::{End, Start},
};
use crate::{BoxError, exchange::Fault};

/// The body of [`StreamAdapter`](super::StreamAdapter)'s responses.
pub struct AdaptedBody<B> {
    /// Bytes that come before the rest.
    first: Bytes,
    rest: Rest<B>,
}

enum Rest<B> {
    Passing(B),
    /// Labelled as an event stream; its first bytes are still to come.
    Labelled(B, Adapter),
    /// JSON under the label of a stream: it becomes events when it is whole.
    Collecting(Box<Collecting<B>>),
    /// Boxed, as a frame of trailers is large and rare.
    Ended(Option<Box<Result<Frame<Bytes>, BoxError>>>),
}

struct Collecting<B> {
    body: B,
    adapter: Adapter,
    held: Vec<u8>,
}

impl<B> AdaptedBody<B> {
    /// Nothing of it was read, and nothing is to be changed.
    pub(super) fn passing(body: B) -> Self {
        Self::begun(Bytes::new(), body)
    }

    /// Nothing of it was read, and its head is that of an event stream.
    pub(super) fn labelled(body: B, adapter: Adapter) -> Self {
        Self { first: Bytes::new(), rest: Rest::Labelled(body, adapter) }
    }

    /// The first bytes of it were read.
    pub(super) fn begun(first: Bytes, body: B) -> Self {
        Self { first, rest: Rest::Passing(body) }
    }

    /// All of it was read.
    pub(super) fn read(start: Start) -> Self {
        let end = match start.end {
            Some(End::Trailers(trailers)) => Some(Ok(trailers)),
            Some(End::Broken(error)) => Some(Err(error)),
            Some(End::Complete) | None => None,
        };
        Self { first: start.bytes, rest: Rest::Ended(end.map(Box::new)) }
    }

    /// Converted bytes.
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self { first: bytes, rest: Rest::Ended(None) }
    }

    /// It cannot be converted.
    pub(super) fn broken(error: BoxError) -> Self {
        Self { first: Bytes::new(), rest: Rest::Ended(Some(Box::new(Err(error)))) }
    }
}

impl<B> fmt::Debug for AdaptedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptedBody").finish_non_exhaustive()
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin> Body for AdaptedBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.first)))));
        }
        let body = match &mut self.rest {
            Rest::Passing(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
            }
            Rest::Ended(end) => return Poll::Ready(end.take().map(|end| *end)),
            Rest::Labelled(body, _) => body,
            Rest::Collecting(collecting) => &mut collecting.body,
        };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        let rest = std::mem::replace(&mut self.rest, Rest::Ended(None));
        let (rest, frame) = match rest {
            Rest::Labelled(body, adapter) => begin(body, adapter, frame),
            Rest::Collecting(collecting) => collect(collecting, frame),
            rest => (rest, frame.map(|frame| frame.map_err(Into::into))),
        };
        self.rest = rest;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty()
            && match &self.rest {
                Rest::Passing(body) | Rest::Labelled(body, _) => body.is_end_stream(),
                Rest::Collecting(..) => false,
                Rest::Ended(end) => end.is_none(),
            }
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.len() as u64;
        let rest = match &self.rest {
            Rest::Passing(body) => body.size_hint(),
            // Events that are made of JSON have another length.
            Rest::Labelled(..) | Rest::Collecting(..) => return SizeHint::default(),
            Rest::Ended(_) => return SizeHint::with_exact(first),
        };
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(first)) {
            hint.set_upper(upper);
        }
        hint
    }
}

type Next<B> = (Rest<B>, Option<Result<Frame<Bytes>, BoxError>>);

/// The first frame of what is labelled as an event stream shows whether it is one.
fn begin<B, E: Into<BoxError>>(
    body: B,
    adapter: Adapter,
    frame: Option<Result<Frame<Bytes>, E>>,
) -> Next<B> {
    let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
    let rest = match data.map(|data| (form(data), data)) {
        Some((Some(Form::Json), data)) => {
            let collecting = Box::new(Collecting { body, adapter, held: data.to_vec() });
            return (Rest::Collecting(collecting), Some(Ok(Frame::data(Bytes::new()))));
        }
        // Blank lines may come before either.
        Some((None, data)) if data.trim_ascii_start().is_empty() => Rest::Labelled(body, adapter),
        _ => Rest::Passing(body),
    };
    (rest, frame.map(|frame| frame.map_err(Into::into)))
}

/// Frames of JSON under the label of a stream. An empty one signals that bytes came.
fn collect<B, E: Into<BoxError>>(
    mut collecting: Box<Collecting<B>>,
    frame: Option<Result<Frame<Bytes>, E>>,
) -> Next<B> {
    let adapter = collecting.adapter;
    let end = match frame {
        Some(Err(error)) => return (Rest::Ended(None), Some(Err(error.into()))),
        Some(Ok(frame)) => match frame.into_data() {
            Ok(data) => {
                collecting.held.extend_from_slice(&data);
                if collecting.held.len() > adapter.cap {
                    let error = Fault::TooLarge(adapter.cap).into();
                    return (Rest::Ended(None), Some(Err(error)));
                }
                return (Rest::Collecting(collecting), Some(Ok(Frame::data(Bytes::new()))));
            }
            Err(trailers) => Some(Box::new(Ok(trailers))),
        },
        None => None,
    };
    let held = std::mem::take(&mut collecting.held);
    let events = adapter.to_events(&held).unwrap_or_else(|| Adapter::to_event(held.into()));
    (Rest::Ended(end), Some(Ok(Frame::data(events))))
}
