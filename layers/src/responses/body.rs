use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use super::{clock::unix_seconds, stream::Stream};
use crate::BoxError;

/// After so long without an event a heartbeat is one: idle timers of clients see no comments.
const EVENT_INTERVAL: Duration = Duration::from_secs(15);

/// The longest silence, whatever is configured: clients give up soon after.
const MAX_SILENCE: Duration = Duration::from_secs(30);

pin_project! {
    /// The body of [`Responses`](super::Responses)'s answers.
    pub struct ResponsesBody<R> {
        #[pin]
        kind: BodyKind<R>,
    }
}

pin_project! {
    #[project = KindProj]
    enum BodyKind<R> {
        // As it came.
        Inner { #[pin] body: R },
        // Whole.
        Own { bytes: Bytes },
        Events { #[pin] body: R, stream: Box<Stream>, #[pin] silence: Silence },
    }
}

pin_project! {
    /// When the next heartbeat is due. The timer is only moved when it fires.
    struct Silence {
        #[pin]
        timer: Sleep,
        every: Duration,
        // The last event or comment.
        since: Instant,
        last_event: Instant,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heartbeat {
    Comment,
    Event,
}

impl Silence {
    fn new(every: Duration) -> Self {
        let (every, now) = (every.min(MAX_SILENCE), Instant::now());
        Self { timer: sleep(every), every, since: now, last_event: now }
    }

    fn spoke(self: Pin<&mut Self>) {
        let (this, now) = (self.project(), Instant::now());
        (*this.since, *this.last_event) = (now, now);
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Heartbeat> {
        let mut this = self.project();
        loop {
            ready!(this.timer.as_mut().poll(cx));
            let due = *this.since + *this.every;
            let now = Instant::now();
            let is_due = due <= now;
            if is_due {
                *this.since = now;
            }
            this.timer.as_mut().reset(*this.since + *this.every);
            if !is_due {
                continue;
            }
            if now - *this.last_event < EVENT_INTERVAL {
                return Poll::Ready(Heartbeat::Comment);
            }
            *this.last_event = now;
            return Poll::Ready(Heartbeat::Event);
        }
    }
}

impl<R> ResponsesBody<R> {
    pub(super) fn inner(body: R) -> Self {
        Self { kind: BodyKind::Inner { body } }
    }

    pub(super) fn own(bytes: Bytes) -> Self {
        Self { kind: BodyKind::Own { bytes } }
    }

    pub(super) fn events(body: R, stream: Stream, keep_alive: Duration) -> Self {
        let silence = Silence::new(keep_alive);
        Self { kind: BodyKind::Events { body, stream: Box::new(stream), silence } }
    }
}

impl<R> From<Bytes> for ResponsesBody<R> {
    fn from(bytes: Bytes) -> Self {
        Self::own(bytes)
    }
}

impl<R> fmt::Debug for ResponsesBody<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponsesBody").finish_non_exhaustive()
    }
}

impl<R: Body<Data = Bytes, Error: Into<BoxError>>> Body for ResponsesBody<R> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let mut this = self.as_mut().project();
            let (mut body, stream, silence) = match this.kind.as_mut().project() {
                KindProj::Inner { body } => {
                    return body.poll_frame(cx).map_err(Into::into);
                }
                KindProj::Own { bytes } if bytes.is_empty() => return Poll::Ready(None),
                KindProj::Own { bytes } => {
                    return Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))));
                }
                KindProj::Events { body, stream, silence } => (body, stream, silence),
            };
            let frame = match body.as_mut().poll_frame(cx) {
                Poll::Ready(frame) => frame,
                // The client has its answer, and the connection is worth waiting for its end.
                Poll::Pending if stream.is_over() => return Poll::Pending,
                Poll::Pending => {
                    let beat = ready!(silence.poll(cx));
                    stream.heartbeat(beat == Heartbeat::Event);
                    return Poll::Ready(stream.take().map(|bytes| Ok(Frame::data(bytes))));
                }
            };
            let is_last = match frame {
                Some(Ok(frame)) => {
                    // Trailers say nothing of the answer.
                    let data = frame.into_data().unwrap_or_default();
                    stream.read(&data, unix_seconds());
                    stream.is_failed()
                }
                Some(Err(error)) => {
                    stream.broken(error.into().as_ref());
                    true
                }
                None => {
                    stream.end(unix_seconds());
                    true
                }
            };
            let bytes = stream.take();
            if is_last {
                this.kind.set(BodyKind::Own { bytes: bytes.unwrap_or_default() });
            } else if let Some(bytes) = bytes {
                silence.spoke();
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            BodyKind::Inner { body } => body.is_end_stream(),
            BodyKind::Own { bytes } => bytes.is_empty(),
            BodyKind::Events { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            BodyKind::Inner { body } => body.size_hint(),
            BodyKind::Own { bytes } => SizeHint::with_exact(bytes.len() as u64),
            BodyKind::Events { .. } => SizeHint::default(),
        }
    }
}
