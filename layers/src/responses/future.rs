use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
    request, response,
};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    Ids, ResponsesBody, StreamTranslator,
    clock::unix_seconds,
    error,
    layer::Settings,
    prepare::{OnResponse, Prepared, Translate, prepare},
    sealed_reasoning,
    stream::Stream,
    translate_response,
};
use crate::{
    BoxError, Code, Rejected, Rejection, Target,
    body::collect::{Collect, Unread},
    classify::{Attempts, DeadlineError, TransportError},
    exchange::{Fault, UpstreamError},
    refused_fields::{may_refuse, refused},
    sse::is_event_stream,
};

/// Maximum length of a provider's error that is read, in bytes.
const MAX_ERROR_LEN: usize = 1 << 20;

pin_project! {
    /// The future of [`Responses`](super::Responses).
    pub struct ResponseFuture<S, B, R>
    where
        S: Service<Request<B>>,
    {
        // Kept for requests that are read first.
        service: Option<S>,
        settings: Option<Arc<Settings>>,
        #[pin]
        state: FutureState<S::Future, B, R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum FutureState<F, B, R> {
        // It is no Responses request.
        Passing { #[pin] future: F },
        Reading { #[pin] body: Collect<B>, head: Option<request::Parts> },
        Calling { #[pin] future: F, call: Option<Box<ResponsesCall>> },
        // An error, or a plain answer: its head waits for its body.
        Answering { #[pin] body: Collect<R>, head: Option<response::Parts>, call: Option<Box<ResponsesCall>> },
        // The second time.
        Readying { request: Option<Request<Bytes>>, call: Option<Box<ResponsesCall>> },
    }
}

/// What is done with the answer.
struct ResponsesCall {
    then: OnResponse,
    is_routed: bool,
    stream: bool,
    /// The head of the request, while there may be another attempt.
    head: Option<request::Parts>,
    attempts: u32,
    /// The fields that an earlier attempt was refused for: they are left out of this one.
    refused: Vec<Box<str>>,
}

impl<S: Service<Request<B>>, B, R> ResponseFuture<S, B, R> {
    pub(super) fn passing(future: S::Future) -> Self {
        Self { service: None, settings: None, state: FutureState::Passing { future } }
    }
}

impl<S, B, R> ResponseFuture<S, B, R>
where
    S: Service<Request<B>>,
    B: Body<Error: Into<BoxError>>,
{
    /// `service` was polled to readiness.
    pub(super) fn reading(service: S, request: Request<B>, settings: Arc<Settings>) -> Self {
        let (head, body) = request.into_parts();
        let body = Collect::new(body, settings.cap);
        let state = FutureState::Reading { body, head: Some(head) };
        Self { service: Some(service), settings: Some(settings), state }
    }
}

impl<S: Service<Request<B>>, B, R> fmt::Debug for ResponseFuture<S, B, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<S, B, R> Future for ResponseFuture<S, B, R>
where
    S: Service<Request<B>, Response = Response<R>>,
    B: Body<Error: Into<BoxError>> + From<Bytes>,
    R: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Output = Result<Response<ResponsesBody<R>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let (service, settings) = (this.service, this.settings);
            let next = match this.state.as_mut().project() {
                StateProj::Passing { future } => {
                    let response = ready!(future.poll(cx))?;
                    return Poll::Ready(Ok(response.map(ResponsesBody::inner)));
                }
                StateProj::Reading { body, head } => {
                    let (service, settings) = both(service, settings);
                    let body = ready!(body.poll(cx));
                    let mut head = head.take().expect("read once");
                    let prepared = body
                        .map_err(Rejection::from)
                        .and_then(|body| prepare(&mut head, body, settings));
                    let Prepared { body, then } = match prepared {
                        Ok(prepared) => prepared,
                        Err(rejection) => {
                            return Poll::Ready(Ok(rejection.by("responses").into_response()));
                        }
                    };
                    let call = Box::new(ResponsesCall::new(then, &head));
                    let request = Request::from_parts(head, B::from(body));
                    FutureState::Calling { future: service.call(request), call: Some(call) }
                }
                StateProj::Calling { future, call } => {
                    let response = ready!(future.poll(cx))?;
                    let call = call.take().expect("answered once");
                    let (_, settings) = both(service, settings);
                    match call.look(response, settings) {
                        Look::Done(response) => return Poll::Ready(Ok(response)),
                        Look::Collect { head, body, cap, call } => FutureState::Answering {
                            body: Collect::new(body, cap),
                            head: Some(head),
                            call: Some(call),
                        },
                    }
                }
                StateProj::Answering { body, head, call } => {
                    let body = ready!(body.poll(cx));
                    let head = head.take().expect("answered once");
                    let call = call.take().expect("answered once");
                    match call.answered(head, body) {
                        Answered::Done(response) => return Poll::Ready(Ok(response)),
                        Answered::Again(request, call) => {
                            FutureState::Readying { request: Some(request), call: Some(call) }
                        }
                    }
                }
                StateProj::Readying { request, call } => {
                    let (service, _) = both(service, settings);
                    ready!(service.poll_ready(cx))?;
                    let request = request.take().expect("sent once");
                    let call = call.take();
                    let future = service.call(request.map(B::from));
                    FutureState::Calling { future, call }
                }
            };
            this.state.set(next);
        }
    }
}

/// They are there for every request that is read.
fn both<'a, S>(
    service: &'a mut Option<S>,
    settings: &'a Option<Arc<Settings>>,
) -> (&'a mut S, &'a Settings) {
    let service = service.as_mut().expect("kept for a request that is read");
    (service, settings.as_ref().expect("kept with the service"))
}

enum Look<R> {
    Done(Response<ResponsesBody<R>>),
    Collect { head: response::Parts, body: R, cap: usize, call: Box<ResponsesCall> },
}

enum Answered<R> {
    Done(Response<ResponsesBody<R>>),
    /// This is sent instead.
    Again(Request<Bytes>, Box<ResponsesCall>),
}

impl ResponsesCall {
    fn new(then: OnResponse, head: &request::Parts) -> Self {
        let stream = matches!(&then, OnResponse::Translate(translate) if translate.context.stream);
        let again = match &then {
            OnResponse::Pass { with_reasoning } => with_reasoning.is_some(),
            OnResponse::Translate(translate) => !translate.added.is_empty(),
        };
        let is_routed = head.extensions.get::<Target>().is_some();
        let head = again.then(|| head.clone());
        Self { then, is_routed, stream, head, attempts: 0, refused: Vec::new() }
    }

    /// By the head of the answer.
    fn look<R>(mut self: Box<Self>, mut response: Response<R>, settings: &Settings) -> Look<R>
    where
        R: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        if self.attempts > 0 {
            let made = Attempts::of(&response).0 + self.attempts;
            response.extensions_mut().insert(Attempts(made));
        }
        let status = response.status();
        if status.is_success() {
            self.learn(settings);
        }
        let extensions = response.extensions();
        // The gateway's own words have the envelope already.
        let is_own = extensions.get::<Rejected>().is_some()
            || extensions.get::<TransportError>().is_some()
            || extensions.get::<DeadlineError>().is_some();
        let is_events = is_event_stream(response.headers());
        let collect = |response: Response<R>, cap, call| {
            let (head, body) = response.into_parts();
            Look::Collect { head, body, cap, call }
        };
        match &self.then {
            _ if is_own => Look::Done(response.map(ResponsesBody::inner)),
            OnResponse::Pass { with_reasoning: Some(_) } if status == StatusCode::BAD_REQUEST => {
                collect(response, MAX_ERROR_LEN, self)
            }
            OnResponse::Pass { .. } => Look::Done(response.map(ResponsesBody::inner)),
            OnResponse::Translate(_) if !status.is_success() => {
                collect(response, MAX_ERROR_LEN, self)
            }
            OnResponse::Translate(translate) if is_events && self.stream => {
                response.headers_mut().remove(CONTENT_LENGTH);
                let translator = StreamTranslator::new(
                    translate.context.clone(),
                    Ids::random(),
                    unix_seconds(),
                    translate.sealing(),
                );
                let stream = Stream::new(translator, settings.cap);
                let keep_alive = settings.keep_alive;
                Look::Done(response.map(|body| ResponsesBody::events(body, stream, keep_alive)))
            }
            OnResponse::Translate(_) => collect(response, settings.cap, self),
        }
    }

    /// A request that is answered without some fields was refused because of them.
    /// Nothing is kept for another attempt.
    fn learn(&mut self, settings: &Settings) {
        self.head = None;
        if let OnResponse::Translate(translate) = &mut self.then {
            translate.body = Bytes::new();
            if let Some(target) = &translate.context.target
                && !self.refused.is_empty()
            {
                settings.refused.remember(target, &self.refused);
            }
        }
    }

    /// The body of an error or of a plain answer was read.
    fn answered<R>(
        self: Box<Self>,
        mut head: response::Parts,
        body: Result<Bytes, Unread>,
    ) -> Answered<R> {
        head.headers.remove(CONTENT_LENGTH);
        if head.status.is_success() {
            return Answered::Done(match (body, &self.then) {
                (Ok(body), OnResponse::Translate(translate)) => self.plain(head, &body, translate),
                (Ok(body), OnResponse::Pass { .. }) => own(head, body),
                (Err(Unread::TooLarge(cap)), _) => error::no_answer(&Fault::TooLarge(cap)),
                (Err(Unread::Broken(error)), _) => error::broken(error),
            });
        }
        // What an error has lost does not matter: its status says enough.
        let body = body.unwrap_or_default();
        let this = match self.without_refused(&head, &body) {
            Ok((request, call)) => return Answered::Again(request, call),
            Err(this) => *this,
        };
        match (this.then, this.head) {
            (OnResponse::Pass { with_reasoning: Some(sent) }, Some(mut request))
                if is_unknown_reasoning(&body) =>
            {
                let without = sealed_reasoning::without(&sent, &sealed_reasoning::reasoning(&sent))
                    .unwrap_or(sent);
                if request.headers.contains_key(CONTENT_LENGTH) {
                    request.headers.insert(CONTENT_LENGTH, without.len().into());
                }
                let call = Self {
                    then: OnResponse::Pass { with_reasoning: None },
                    is_routed: this.is_routed,
                    stream: false,
                    head: None,
                    attempts: made(&head),
                    refused: Vec::new(),
                };
                let request = Request::from_parts(request, without);
                Answered::Again(request, Box::new(call))
            }
            (OnResponse::Pass { .. }, _) => Answered::Done(own(head, body)),
            // Its key is refused, not the client's. A router further out says so itself.
            (OnResponse::Translate(_), _) if !this.is_routed && is_refused(head.status) => {
                let message = format!("the provider refuses the key ({})", head.status.as_u16());
                Answered::Done(Rejection::new(Code::ProviderError, message).into_response())
            }
            (OnResponse::Translate(_), _) => {
                let body = error::enveloped(head.status, body);
                Answered::Done(json(head, body))
            }
        }
    }

    /// The request without the fields that this error refuses, if any of them were added here.
    /// There is an end to it: each time at least one of them is left out.
    fn without_refused(
        mut self: Box<Self>,
        head: &response::Parts,
        body: &[u8],
    ) -> Result<(Request<Bytes>, Box<Self>), Box<Self>> {
        let again = match &self.then {
            OnResponse::Translate(translate) if may_refuse(head.status) => {
                let named = refused(body, &translate.added);
                let refused = [&*self.refused, &*named].concat();
                let again = if named.is_empty() { None } else { translate.without(&refused) };
                again.map(|prepared| (prepared, refused))
            }
            _ => None,
        };
        let Some((Prepared { body, then }, refused)) = again else { return Err(self) };
        let Some(mut request) = self.head.take() else { return Err(self) };
        tracing::info!(?refused, "asked again without the fields that the provider refuses");
        if request.headers.contains_key(CONTENT_LENGTH) {
            request.headers.insert(CONTENT_LENGTH, body.len().into());
        }
        let call = Self { attempts: made(head), refused, ..Self::new(then, &request) };
        Ok((Request::from_parts(request, body), Box::new(call)))
    }

    /// A plain answer, or what stands in the place of a stream.
    fn plain<R>(
        &self,
        head: response::Parts,
        body: &[u8],
        translate: &Translate,
    ) -> Response<ResponsesBody<R>> {
        if self.stream {
            let what = "the provider answered without the stream that was asked for";
            return error::no_answer(&Fault::Malformed(what.into()));
        }
        let context = &translate.context;
        match translate_response(body, context, Ids::random(), unix_seconds(), translate.sealing())
        {
            Ok(translated) => json(head, translated.into()),
            Err(fault) => error::no_answer(&fault),
        }
    }
}

/// How many attempts were made for this answer: a layer in between may have made several.
fn made(head: &response::Parts) -> u32 {
    head.extensions.get().map_or(1, |&Attempts(made)| made)
}

fn own<R>(head: response::Parts, body: Bytes) -> Response<ResponsesBody<R>> {
    Response::from_parts(head, ResponsesBody::own(body))
}

fn json<R>(mut head: response::Parts, body: Bytes) -> Response<ResponsesBody<R>> {
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    own(head, body)
}

fn is_refused(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn is_unknown_reasoning(body: &[u8]) -> bool {
    UpstreamError::read(body).code.as_deref() == Some("invalid_encrypted_content")
}
