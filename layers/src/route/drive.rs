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
    call::{Broke, Call, Next, text},
    events,
    failures::End,
    held::Held,
};
use crate::{
    BoxError, Buffered, Code, Exchange, Rejection,
    classify::{Deadline, DeadlineError},
    exchange::Facts,
    sse::is_event_stream,
};

pin_project! {
    /// Drives a call's attempts until one of them is committed, and then passes its answer on.
    pub(super) struct Drive<S, B>
    where
        S: Service<Request<Buffered>>,
    {
        service: S,
        // The service was polled to readiness and not called since.
        is_ready: bool,
        pub(super) call: Call,
        #[pin]
        state: State<S::Future, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, B> {
        Start,
        Readying,
        Calling { #[pin] future: F },
        // The head is here until it leaves.
        Answering { head: Option<Parts>, #[pin] body: B, held: Held, is_events: bool },
        // Nothing more will come.
        Kept { held: Held },
    }
}

/// What leaves.
pub(super) enum Committed {
    /// An answer's head; the body follows.
    Answer(Parts),
    /// The router's own word; there is no body.
    Own(Rejection),
}

impl<S, B, R> Drive<S, B>
where
    S: Service<Request<Buffered>, Response = Response<B>, Error = R>,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    /// `service` must have been polled to readiness.
    pub(super) fn new(service: S, call: Call) -> Self {
        Self { service, is_ready: true, call, state: State::Start }
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
                    this.state.set(State::Calling { future });
                    continue;
                }
                StateProj::Calling { future } => {
                    let answered = ready!(future.poll(cx));
                    let answer = answered.inspect_err(|_| this.call.errored())?;
                    this.call.head(&answer);
                    let (head, body) = answer.into_parts();
                    let is_events = is_event_stream(&head.headers);
                    let (head, held) = (Some(head), Held::default());
                    this.state.set(State::Answering { head, body, held, is_events });
                    continue;
                }
                StateProj::Answering { head, body, held, is_events } => {
                    let Some(parts) = head.as_ref() else { unreachable!("polled after commit") };
                    let is_success = parts.status.is_success();
                    let is_observed = parts.extensions.get::<Exchange>().is_some();
                    if may_leave(this.call, is_success, is_observed, *is_events, held) {
                        this.call.commit();
                        let head = head.take().map(|head| leaving(head, *is_events));
                        return Poll::Ready(Ok(Committed::Answer(head.expect("it is here"))));
                    }
                    match ready!(body.poll_frame(cx)) {
                        Some(Ok(frame)) => {
                            held.push(frame.into_data().unwrap_or_default());
                            continue;
                        }
                        Some(Err(error)) if is_success && !is_finished(this.call, *is_events) => {
                            let error = error.into();
                            let spoke = this.call.exchange.read(|facts| facts.content);
                            this.call.broke(&Broke::by(error.as_ref(), spoke))
                        }
                        end => {
                            let mut head = head.take().expect("it is here");
                            // What an error's body has lost does not matter, but is not announced.
                            if end.is_some() {
                                head.headers.remove(CONTENT_LENGTH);
                            }
                            let held = std::mem::take(held);
                            if !is_success {
                                this.call.answered(head, held)
                            } else if let Some(broke) = found(this.call, is_observed, *is_events) {
                                this.call.broke(&broke)
                            } else {
                                this.call.commit();
                                this.call.ended(None);
                                Next::End(End::AsItCame(head, held))
                            }
                        }
                    }
                }
                StateProj::Kept { .. } => unreachable!("polled after commit"),
            };
            match next {
                Next::Attempt => this.state.set(State::Readying),
                Next::End(End::AsItCame(head, held)) => {
                    this.state.set(State::Kept { held });
                    return Poll::Ready(Ok(Committed::Answer(head)));
                }
                Next::End(End::Own(rejection)) => {
                    this.state.set(State::Kept { held: Held::default() });
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
            StateProj::Answering { body, held, is_events, .. } => {
                if let Some(data) = held.pop() {
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                let mut body = body;
                let error = loop {
                    match ready!(body.as_mut().poll_frame(cx)) {
                        // Layers tell one another by it that bytes came. HTTP/2 clients take many
                        // of them for an attack.
                        Some(Ok(frame)) if frame.data_ref().is_some_and(Bytes::is_empty) => {}
                        Some(Ok(frame)) => {
                            // A server that knows the length never polls for the end.
                            if body.is_end_stream() {
                                this.call.ended(None);
                                this.state.set(State::Kept { held: Held::default() });
                            }
                            return Poll::Ready(Some(Ok(frame)));
                        }
                        Some(Err(error)) if !is_finished(this.call, *is_events) => {
                            break error.into();
                        }
                        None | Some(Err(_)) => {
                            this.call.ended(None);
                            this.state.set(State::Kept { held: Held::default() });
                            return Poll::Ready(None);
                        }
                    }
                };
                let why = text(error.as_ref());
                this.call.ended(Some(&why));
                let code = match error.downcast_ref::<DeadlineError>() {
                    Some(DeadlineError { which: Deadline::Total, .. }) => Code::DeadlineExceeded,
                    _ => Code::ProviderError,
                };
                let event = is_events.then(|| broken_event(this.call, code, &why)).flatten();
                this.state.set(State::Kept { held: Held::default() });
                Poll::Ready(Some(event.map(|event| Ok(Frame::data(event))).unwrap_or(Err(error))))
            }
            _ => unreachable!("polled before commit"),
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Kept { held } => held.is_empty(),
            // The call's end has to be seen.
            _ => false,
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Kept { held } => SizeHint::with_exact(held.size()),
            // An event stream may grow by an error.
            State::Answering { body, held, is_events: false, .. } if held.is_empty() => {
                body.size_hint()
            }
            _ => SizeHint::default(),
        }
    }
}

impl<S: Service<Request<Buffered>>, B> fmt::Debug for Drive<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drive").finish_non_exhaustive()
    }
}

/// Whether the answer that has begun may leave before its end.
fn may_leave(
    call: &Call,
    is_success: bool,
    is_observed: bool,
    is_events: bool,
    held: &Held,
) -> bool {
    if held.size() > call.settings.hold_cap {
        return true;
    }
    is_success
        && match call.policy() {
            Commit::Headers => true,
            Commit::Complete => false,
            Commit::FirstToken if !is_events => false,
            Commit::FirstToken if is_observed => call.exchange.read(|facts| facts.content),
            // Nobody tells what content is: any event counts.
            Commit::FirstToken => !held.is_empty(),
        }
}

/// Whether the model had finished: a stream that breaks behind that is whole.
fn is_finished(call: &Call, is_events: bool) -> bool {
    is_events && call.exchange.read(|facts| facts.finish.is_some())
}

/// What is wrong with a success that has come to its end.
fn found(call: &Call, is_observed: bool, is_events: bool) -> Option<Broke> {
    if !is_observed || is_finished(call, is_events) {
        return None;
    }
    let fault = call.exchange.read(|facts| facts.fault.clone())?;
    Some(Broke::found(&fault, is_events))
}

/// A stream may end in an event that its provider did not announce.
fn leaving(mut head: Parts, is_events: bool) -> Parts {
    if is_events {
        head.headers.remove(CONTENT_LENGTH);
    }
    head
}

/// The event that ends a stream which broke; `None` where nobody knows the client's dialect.
fn broken_event(call: &Call, code: Code, why: &str) -> Option<Bytes> {
    let provider = call.target().map_or("provider", |target| &target.provider);
    let message = format!("{provider}: {why}");
    let facts = call.exchange.facts();
    own_event(call, &Rejection::new(code, message), &facts)
}

/// The router's own word as an event.
pub(super) fn own_event(call: &Call, rejection: &Rejection, facts: &Facts) -> Option<Bytes> {
    let (code, message) = (rejection.code(), rejection.message());
    Some(events::error(call.dialect?, code.as_str(), message, code.kind(), call.model(), facts))
}
