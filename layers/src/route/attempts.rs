use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response, header::CONTENT_LENGTH, response::Parts};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    Commit,
    call::{Broke, RouteCall, Step, text},
    events,
    failures::End,
    future::unbuffered,
    held_frames::HeldFrames,
};
use crate::{
    BoxError, Buffered, Code, Exchange, Rejection,
    classify::{Deadline, DeadlineError},
    exchange::AttemptRecord,
    sse::is_event_stream,
};

pin_project! {
    /// Drives a call's attempts until one of them is committed, and then passes its answer on.
    pub(super) struct AttemptLoop<S, B>
    where
        S: Service<Request<Buffered>>,
    {
        service: S,
        // The service was polled to readiness and not called since.
        is_ready: bool,
        pub(super) call: RouteCall,
        #[pin]
        state: AttemptState<S::Future, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum AttemptState<F, B> {
        Start,
        Readying,
        Calling { #[pin] future: F },
        // The head is here until it leaves.
        Answering { head: Option<Parts>, #[pin] body: B, held: HeldFrames, kind: AnswerForm },
        // Nothing more will come.
        Kept { held: HeldFrames },
    }
}

/// What is known of an answer by its head.
#[derive(Clone, Copy)]
struct AnswerForm {
    is_success: bool,
    is_events: bool,
    /// Somebody further in reads it and keeps the exchange.
    is_observed: bool,
}

impl AnswerForm {
    fn of(head: &Parts) -> Self {
        Self {
            is_success: head.status.is_success(),
            is_events: is_event_stream(&head.headers),
            is_observed: head.extensions.get::<Exchange>().is_some(),
        }
    }

    /// Whether the model had finished: a stream that breaks behind that is whole.
    fn is_finished(self, call: &RouteCall) -> bool {
        self.is_events && self.is_observed && call.exchange.read(|record| record.finish.is_some())
    }
}

/// What leaves.
pub(super) enum Committed {
    /// An answer's head; the body follows.
    Answer(Parts),
    /// The router's own word; there is no body.
    Own(Rejection),
}

impl<S, B, R> AttemptLoop<S, B>
where
    S: Service<Request<Buffered>, Response = Response<B>, Error = R>,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    /// `service` must have been polled to readiness.
    pub(super) fn new(service: S, call: RouteCall) -> Self {
        Self { service, is_ready: true, call, state: AttemptState::Start }
    }

    /// Makes attempts until an answer can leave.
    pub(super) fn poll_commit(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Committed, R>> {
        loop {
            let mut this = self.as_mut().project();
            let next = match this.state.as_mut().project() {
                StateProj::Start => this.call.first(),
                StateProj::Readying => {
                    if !*this.is_ready {
                        ready!(this.service.poll_ready(cx))?;
                    }
                    *this.is_ready = false;
                    let future = this.service.call(this.call.request());
                    this.state.set(AttemptState::Calling { future });
                    continue;
                }
                StateProj::Calling { future } => {
                    let answered = ready!(future.poll(cx));
                    let answer = answered.inspect_err(|_| this.call.errored())?;
                    this.call.head(&answer);
                    let (head, body) = answer.into_parts();
                    let (kind, held) = (AnswerForm::of(&head), HeldFrames::default());
                    this.state.set(AttemptState::Answering { head: Some(head), body, held, kind });
                    continue;
                }
                StateProj::Answering { head, mut body, held, kind } => {
                    let kind = *kind;
                    if may_leave(this.call, kind, held) {
                        this.call.commit();
                        let head = leaving(head.take().expect("polled after commit"), kind);
                        if held.is_empty() && body.is_end_stream() {
                            // A server does not poll what is empty.
                            this.call.ended(None);
                            this.state.set(AttemptState::Kept { held: HeldFrames::default() });
                        }
                        return Poll::Ready(Ok(Committed::Answer(head)));
                    }
                    let is_too_much = held.size() > this.call.settings.buffer_limit;
                    let end = match is_too_much {
                        // An error that goes on and on: its status says enough.
                        true => None,
                        false => ready!(body.as_mut().poll_frame(cx)),
                    };
                    match end {
                        Some(Ok(frame)) => {
                            held.push(frame.into_data().unwrap_or_default());
                            continue;
                        }
                        Some(Err(error)) if kind.is_success && !kind.is_finished(this.call) => {
                            let error = error.into();
                            let spoke = kind.is_observed
                                && this.call.exchange.read(|record| record.content);
                            this.call.broke(&Broke::by(error.as_ref(), spoke))
                        }
                        end => {
                            let mut head = leaving(head.take().expect("polled after commit"), kind);
                            // What an error's body has lost does not matter, but is not announced.
                            if end.is_some() || is_too_much {
                                head.headers.remove(CONTENT_LENGTH);
                            }
                            let held = std::mem::take(held);
                            if !kind.is_success {
                                this.call.answered(head, held)
                            } else if let Some(broke) = found(this.call, kind) {
                                this.call.broke(&broke)
                            } else {
                                this.call.commit();
                                this.call.ended(None);
                                Step::End(End::AsItCame(head, held))
                            }
                        }
                    }
                }
                StateProj::Kept { .. } => unreachable!("polled after commit"),
            };
            match next {
                Step::Attempt => this.state.set(AttemptState::Readying),
                Step::End(End::AsItCame(head, held)) => {
                    this.state.set(AttemptState::Kept { held });
                    return Poll::Ready(Ok(Committed::Answer(head)));
                }
                Step::End(End::Own(rejection)) => {
                    this.state.set(AttemptState::Kept { held: HeldFrames::default() });
                    return Poll::Ready(Ok(Committed::Own(rejection)));
                }
            }
        }
    }

    /// Passes the committed answer on. One that breaks now ends in an error: a typed event in a
    /// stream, a body error elsewhere.
    pub(super) fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        match this.state.as_mut().project() {
            StateProj::Kept { held } => Poll::Ready(held.pop().map(|data| Ok(Frame::data(data)))),
            StateProj::Answering { mut body, held, kind, .. } => {
                let kind = *kind;
                let (frame, error) = if let Some(data) = held.pop() {
                    (Some(Frame::data(data)), None)
                } else {
                    match ready!(poll_full(body.as_mut(), cx)) {
                        Some(Ok(frame)) => (Some(frame), None),
                        Some(Err(error)) if !kind.is_finished(this.call) => (None, Some(error)),
                        Some(Err(_)) | None => (None, None),
                    }
                };
                let Some(error) = error else {
                    // A server that knows the length, or has the trailers, never polls for the end.
                    let is_last = frame.as_ref().is_none_or(Frame::is_trailers)
                        || (held.is_empty() && body.is_end_stream());
                    if is_last {
                        // A translator further in ends a broken answer in its own words.
                        let broke = found(this.call, kind);
                        this.call.ended(broke.as_ref().map(|broke| &*broke.why));
                        this.state.set(AttemptState::Kept { held: HeldFrames::default() });
                    }
                    return Poll::Ready(frame.map(Ok));
                };
                let error = error.into();
                let why = text(error.as_ref());
                this.call.ended(Some(&why));
                let code = match error.downcast_ref::<DeadlineError>() {
                    Some(DeadlineError { which: Deadline::RequestDeadline, .. }) => {
                        Code::DeadlineExceeded
                    }
                    _ => Code::ProviderError,
                };
                let event = kind.is_events.then(|| broken_event(this.call, code, &why)).flatten();
                this.state.set(AttemptState::Kept { held: HeldFrames::default() });
                Poll::Ready(Some(event.map(|event| Ok(Frame::data(event))).unwrap_or(Err(error))))
            }
            _ => unreachable!("polled before commit"),
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        match &self.state {
            AttemptState::Kept { held } => held.is_empty(),
            // The call's end has to be seen.
            _ => false,
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match &self.state {
            AttemptState::Kept { held } => SizeHint::with_exact(held.size()),
            // An event stream may grow by an error.
            AttemptState::Answering { body, held, kind, .. }
                if held.is_empty() && !kind.is_events =>
            {
                body.size_hint()
            }
            _ => SizeHint::default(),
        }
    }
}

impl<S: Service<Request<Buffered>>, B> fmt::Debug for AttemptLoop<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptLoop").finish_non_exhaustive()
    }
}

/// The next frame with data. Layers signal activity by empty frames; HTTP/2 clients take many of
/// them for an attack.
fn poll_full<B: Body<Data = Bytes>>(
    mut body: Pin<&mut B>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
    loop {
        match ready!(body.as_mut().poll_frame(cx)) {
            Some(Ok(frame)) if frame.data_ref().is_some_and(Bytes::is_empty) => {}
            frame => return Poll::Ready(frame),
        }
    }
}

/// Whether the answer that has begun may leave before its end.
fn may_leave(call: &RouteCall, kind: AnswerForm, held: &HeldFrames) -> bool {
    kind.is_success
        && match call.policy() {
            _ if held.size() > call.settings.buffer_limit => true,
            Commit::Headers => true,
            Commit::Complete => false,
            Commit::FirstToken if !kind.is_events => false,
            Commit::FirstToken if kind.is_observed => call.exchange.read(|record| record.content),
            // Without an observer, any event counts as content.
            Commit::FirstToken => !held.is_empty(),
        }
}

/// What is wrong with a success that has come to its end.
fn found(call: &RouteCall, kind: AnswerForm) -> Option<Broke> {
    if !kind.is_observed || kind.is_finished(call) {
        return None;
    }
    call.exchange.read(|record| {
        let fault = record.fault.as_ref()?;
        Some(Broke::found(record, fault, kind.is_events))
    })
}

/// A stream may end in an event that its provider did not announce, or before the length it did.
fn leaving(mut head: Parts, kind: AnswerForm) -> Parts {
    if kind.is_events {
        head.headers.remove(CONTENT_LENGTH);
        unbuffered(&mut head.headers);
    }
    head
}

/// The event that ends a broken stream; `None` when the client's dialect is unknown.
fn broken_event(call: &RouteCall, code: Code, why: &str) -> Option<Bytes> {
    let provider = call.target().map_or("provider", |target| &target.provider);
    let message = format!("{provider}: {why}");
    let record = call.exchange.record();
    own_event(call, &Rejection::new(code, message), &record)
}

/// The router's own word as an event.
pub(super) fn own_event(
    call: &RouteCall,
    rejection: &Rejection,
    record: &AttemptRecord,
) -> Option<Bytes> {
    let (code, message) = (rejection.code(), rejection.message());
    Some(events::error(call.dialect?, code.as_str(), message, code.kind(), call.model(), record))
}
