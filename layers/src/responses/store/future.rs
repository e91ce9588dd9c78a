use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{StateBody, capture::Capture, persist::Persist};
use crate::{Buffered, Rejection, body::ResponseBody};

/// Boxed, as only a request that refers to something stored has one.
pub(super) type LookUp =
    Pin<Box<dyn Future<Output = Result<(Request<Buffered>, Persist), Rejection>> + Send>>;

/// Boxed, as only a request about something stored has one.
pub(super) type Answer = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;

pin_project! {
    /// The future of [`StoredResponses`](super::State).
    pub struct ResponseFuture<S>
    where
        S: Service<Request<Buffered>>,
    {
        #[pin]
        kind: FutureKind<S, S::Future>,
    }
}

pin_project! {
    #[project = KindProj]
    enum FutureKind<S, F> {
        // The readied service waits for what the store has.
        LookingUp { inner: S, look_up: LookUp },
        Calling { #[pin] future: F, keep: Option<Persist> },
        Answering { answer: Answer },
        Rejected { rejection: Option<Rejection> },
    }
}

impl<S: Service<Request<Buffered>>> ResponseFuture<S> {
    pub(super) fn pass(future: S::Future, keep: Option<Persist>) -> Self {
        Self { kind: FutureKind::Calling { future, keep } }
    }

    pub(super) fn look_up(inner: S, look_up: LookUp) -> Self {
        Self { kind: FutureKind::LookingUp { inner, look_up } }
    }

    pub(super) fn answer(answer: Answer) -> Self {
        Self { kind: FutureKind::Answering { answer } }
    }

    pub(super) fn reject(rejection: Rejection) -> Self {
        Self { kind: FutureKind::Rejected { rejection: Some(rejection) } }
    }
}

impl<S: Service<Request<Buffered>>> fmt::Debug for ResponseFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<S, R> Future for ResponseFuture<S>
where
    S: Service<Request<Buffered>, Response = Response<R>>,
    R: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<StateBody<R>>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let next = match this.kind.as_mut().project() {
                KindProj::LookingUp { inner, look_up } => match ready!(look_up.as_mut().poll(cx)) {
                    Ok((request, keep)) => {
                        let keep = Some(keep).filter(|keep| keep.asked.ask.store);
                        FutureKind::Calling { future: inner.call(request), keep }
                    }
                    Err(rejection) => FutureKind::Rejected { rejection: Some(rejection) },
                },
                KindProj::Calling { future, keep } => {
                    let answer = ready!(future.poll(cx))?;
                    let watch = keep.take().and_then(|keep| Some((Capture::of(&answer)?, keep)));
                    let answer = answer.map(|body| match watch {
                        Some((capture, keep)) => StateBody::watch(body, capture, keep),
                        None => StateBody::pass(body),
                    });
                    return Poll::Ready(Ok(answer.map(ResponseBody::inner)));
                }
                KindProj::Answering { answer } => {
                    let answer = ready!(answer.as_mut().poll(cx));
                    return Poll::Ready(Ok(answer.map(ResponseBody::own)));
                }
                KindProj::Rejected { rejection } => {
                    let rejection = rejection.take().expect("polled after completion");
                    return Poll::Ready(Ok(rejection.by("responses").into_response()));
                }
            };
            this.kind.set(next);
        }
    }
}
