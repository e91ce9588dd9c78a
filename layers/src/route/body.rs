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
    call::{Call, said},
    drive::{Committed, Drive, own_event},
    events::KEEP_ALIVE,
    failures::reason,
    held::Held,
};
use crate::{
    BoxError, Buffered, Code, Rejection, classify::Meaning, exchange::Facts, sse::is_event_stream,
};

/// Between two comments.
const SHORTEST: Duration = Duration::from_secs(1);

pin_project! {
    /// The body of [`Route`](super::Route)'s responses.
    pub struct RouteBody<S, B>
    where
        S: Service<Request<Buffered>>,
    {
        #[pin]
        kind: Kind<S, B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<S, B>
    where
        S: Service<Request<Buffered>>,
    {
        // The head has left, without an answer: attempts go on behind keep-alive comments.
        Early { drive: Option<Pin<Box<Drive<S, B>>>>, every: Duration, #[pin] timer: Sleep },
        Passing { drive: Pin<Box<Drive<S, B>>> },
        Own { bytes: Option<Bytes> },
    }
}

impl<S: Service<Request<Buffered>>, B> RouteBody<S, B> {
    pub(super) fn passing(drive: Pin<Box<Drive<S, B>>>) -> Self {
        Self { kind: Kind::Passing { drive } }
    }

    pub(super) fn early(drive: Pin<Box<Drive<S, B>>>, every: Duration) -> Self {
        // The first comment leaves with the head.
        let timer = sleep(Duration::ZERO);
        let every = every.max(SHORTEST);
        Self { kind: Kind::Early { drive: Some(drive), every, timer } }
    }
}

impl<S: Service<Request<Buffered>>, B> From<Bytes> for RouteBody<S, B> {
    fn from(bytes: Bytes) -> Self {
        Self { kind: Kind::Own { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()) } }
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
            let (drive, every, mut timer) = match this.kind.as_mut().project() {
                KindProj::Passing { drive } => return drive.as_mut().poll_frame(cx),
                KindProj::Own { bytes } => {
                    return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))));
                }
                KindProj::Early { drive, every, timer } => (drive, every, timer),
            };
            let Some(attempts) = drive.as_mut() else { return Poll::Ready(None) };
            let Poll::Ready(committed) = attempts.as_mut().poll_commit(cx) else {
                ready!(timer.as_mut().poll(cx));
                timer.reset(Instant::now() + *every);
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(KEEP_ALIVE)))));
            };
            let rejection = match committed {
                Err(error) => {
                    *drive = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
                Ok(Committed::Answer(head)) => refusal(&attempts.call, &head),
                Ok(Committed::Own(rejection)) => Some(rejection),
            };
            let event = rejection
                .and_then(|rejection| own_event(&attempts.call, &rejection, &Facts::default()));
            let next = match (event, drive.take()) {
                (Some(event), _) => Kind::Own { bytes: Some(event) },
                (None, Some(drive)) => Kind::Passing { drive },
                (None, None) => Kind::Own { bytes: None },
            };
            this.kind.set(next);
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Early { .. } => false,
            Kind::Passing { drive } => drive.is_end_stream(),
            Kind::Own { bytes } => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Early { .. } => SizeHint::default(),
            Kind::Passing { drive } => drive.size_hint(),
            Kind::Own { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
    }
}

/// What to say in a stream that has begun about an answer that is none.
fn refusal(call: &Call, head: &Parts) -> Option<Rejection> {
    if head.status.is_success() {
        let why = "the provider answered without the stream that was asked for";
        return (!is_event_stream(&head.headers)).then(|| Rejection::new(Code::ProviderError, why));
    }
    let error = said(head, &Held::default());
    let code = match head.status.as_u16() {
        _ if Meaning::of_answer(head.status, Some(&error)) == Meaning::Exhausted => {
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
