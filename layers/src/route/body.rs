use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, response::Parts};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;

use super::{
    attempts::{AttemptLoop, Committed, own_event},
    begun_stream::BegunStream,
    call::{RouteCall, said},
    failures::reason,
    held_frames::HeldFrames,
};
use crate::{
    BoxError, Buffered, Code, Dialect, Rejection,
    classify::ResponseClass,
    exchange::AttemptRecord,
    sse::{KEEP_ALIVE, is_event_stream},
};

/// Between two comments.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
const MAX_INTERVAL: Duration = Duration::from_secs(15);

/// How long an answer behind an early head is silent at most. Longer than a translator waits, whose
/// heartbeats pass.
const MAX_SILENCE: Duration = Duration::from_secs(20);

pin_project! {
    /// The body of [`Route`](super::Route)'s responses.
    pub struct RouteBody<S, B>
    where
        S: Service<Request<Buffered>>,
    {
        #[pin]
        kind: BodyKind<S, B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum BodyKind<S, B>
    where
        S: Service<Request<Buffered>>,
    {
        // The head has left, without an answer: attempts go on behind keep-alive comments, and
        // behind the events of the stream that was begun, if one was.
        Early {
            drive: Option<Pin<Box<AttemptLoop<S, B>>>>,
            every: Duration,
            // Made with the first comment, which leaves with the head.
            #[pin]
            timer: Option<Sleep>,
            stream: Option<Box<BegunStream>>,
        },
        // An answer goes on from what was begun.
        Begun { drive: Pin<Box<AttemptLoop<S, B>>>, stream: Box<BegunStream>, #[pin] timer: Sleep },
        Passing { drive: Pin<Box<AttemptLoop<S, B>>> },
        Own { bytes: Option<Bytes> },
    }
}

impl<S: Service<Request<Buffered>>, B> RouteBody<S, B> {
    pub(super) fn passing(drive: Pin<Box<AttemptLoop<S, B>>>) -> Self {
        Self { kind: BodyKind::Passing { drive } }
    }

    pub(super) fn early(drive: Pin<Box<AttemptLoop<S, B>>>, every: Duration) -> Self {
        let every = every.clamp(MIN_INTERVAL, MAX_INTERVAL);
        Self { kind: BodyKind::Early { drive: Some(drive), every, timer: None, stream: None } }
    }
}

impl<S: Service<Request<Buffered>>, B> From<Bytes> for RouteBody<S, B> {
    fn from(bytes: Bytes) -> Self {
        Self { kind: BodyKind::Own { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()) } }
    }
}

impl<S: Service<Request<Buffered>>, B> fmt::Debug for RouteBody<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteBody").finish_non_exhaustive()
    }
}

impl<S, B> Body for RouteBody<S, B>
where
    S: Service<Request<Buffered>, Response = Response<B>, Error: Into<BoxError>>,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let mut this = self.as_mut().project();
            let (drive, every, mut timer, stream) = match this.kind.as_mut().project() {
                KindProj::Passing { drive } => return drive.as_mut().poll_frame(cx),
                KindProj::Own { bytes } => {
                    return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))));
                }
                KindProj::Begun { drive, stream, timer } => {
                    if let Some(next) = ready!(poll_begun(drive.as_mut(), stream, timer, cx)) {
                        return Poll::Ready(Some(next.map(Frame::data)));
                    }
                    let end = stream.end();
                    this.kind.set(Self::from(end).kind);
                    continue;
                }
                KindProj::Early { drive, every, timer, stream } => (drive, every, timer, stream),
            };
            let Some(attempts) = drive.as_mut() else { return Poll::Ready(None) };
            let Poll::Ready(committed) = attempts.as_mut().poll_commit(cx) else {
                let events = match stream {
                    None if is_translated(&attempts.call) => {
                        let (begun, events) = BegunStream::new(attempts.call.model());
                        *stream = Some(Box::new(begun));
                        events
                    }
                    stream => {
                        if let Some(timer) = timer.as_mut().as_pin_mut() {
                            ready!(timer.poll(cx));
                        }
                        stream.as_mut().map(|stream| stream.heartbeat()).unwrap_or_default()
                    }
                };
                timer.set(Some(sleep(*every)));
                let beat = [KEEP_ALIVE, events.as_bytes()].concat();
                return Poll::Ready(Some(Ok(Frame::data(beat.into()))));
            };
            let rejection = match committed {
                Err(error) => {
                    *drive = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
                Ok(Committed::Answer(head)) => refusal(&attempts.call, &head),
                Ok(Committed::Own(rejection)) => Some(rejection),
            };
            let event = rejection.and_then(|rejection| {
                own_event(&attempts.call, &rejection, &AttemptRecord::default())
            });
            let next = match (event, drive.take(), stream.take()) {
                (Some(event), _, Some(mut stream)) => Self::from(stream.read(&event)).kind,
                (Some(event), _, None) => BodyKind::Own { bytes: Some(event) },
                (None, Some(drive), Some(stream)) => {
                    BodyKind::Begun { drive, stream, timer: sleep(MAX_SILENCE) }
                }
                (None, Some(drive), None) => BodyKind::Passing { drive },
                (None, None, _) => BodyKind::Own { bytes: None },
            };
            this.kind.set(next);
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            BodyKind::Early { .. } | BodyKind::Begun { .. } => false,
            BodyKind::Passing { drive } => drive.is_end_stream(),
            BodyKind::Own { bytes } => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            BodyKind::Early { .. } | BodyKind::Begun { .. } => SizeHint::default(),
            BodyKind::Passing { drive } => drive.size_hint(),
            BodyKind::Own { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
    }
}

/// Whether the attempt under way is at a provider whose answer is translated for a Responses
/// client: such a stream is written here, and may begin before its answer.
fn is_translated(call: &RouteCall) -> bool {
    let is_chat = call.target().is_some_and(|target| target.dialect == Dialect::Chat);
    is_chat && call.dialect == Some(Dialect::Responses)
}

/// The next bytes of a committed answer, as part of the stream that was begun.
fn poll_begun<S, B>(
    mut drive: Pin<&mut AttemptLoop<S, B>>,
    stream: &mut BegunStream,
    mut timer: Pin<&mut Sleep>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, BoxError>>>
where
    S: Service<Request<Buffered>, Response = Response<B>, Error: Into<BoxError>>,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    loop {
        let bytes = match drive.as_mut().poll_frame(cx) {
            // Trailers say nothing of the answer.
            Poll::Ready(Some(Ok(frame))) => stream.read(&frame.into_data().unwrap_or_default()),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending if stream.is_over() => return Poll::Pending,
            Poll::Pending => {
                ready!(timer.as_mut().poll(cx));
                [KEEP_ALIVE, stream.heartbeat().as_bytes()].concat().into()
            }
        };
        if !bytes.is_empty() {
            timer.as_mut().reset(Instant::now() + MAX_SILENCE);
            return Poll::Ready(Some(Ok(bytes)));
        }
    }
}

/// What to say in a stream that has begun about an answer that is none.
fn refusal(call: &RouteCall, head: &Parts) -> Option<Rejection> {
    if head.status.is_success() {
        let why = "the provider answered without the stream that was asked for";
        return (!is_event_stream(&head.headers)).then(|| Rejection::new(Code::ProviderError, why));
    }
    let error = said(head, &HeldFrames::default());
    let code = match head.status.as_u16() {
        _ if ResponseClass::of_answer(head.status, Some(&error)) == ResponseClass::Exhausted => {
            Code::QuotaExhausted
        }
        429 => Code::RateLimited,
        401 => Code::Unauthorized,
        403 => Code::Forbidden,
        404 => Code::NotFound,
        413 => Code::PayloadTooLarge,
        400..=499 => Code::InvalidRequest,
        _ => Code::ProviderError,
    };
    let message = match call.attempted() {
        Some(target) => reason(target, head, &error),
        None => format!("the provider answered {}", head.status),
    };
    Some(Rejection::new(code, message))
}
