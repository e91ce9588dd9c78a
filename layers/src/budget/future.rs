use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::{Key, Pricing, ResponseBody, pending_charge::PendingCharge};
use crate::{Rejection, body::BodyEnd};

pin_project! {
    /// The future of [`Budget`](super::Budget).
    pub struct ResponseFuture<F, K: Key, P: Pricing> {
        #[pin]
        state: FutureState<F, K, P>,
    }
}

pin_project! {
    #[project = StateProj]
    enum FutureState<F, K: Key, P: Pricing> {
        // The ticket is dropped last: see the body.
        Calling { #[pin] future: F, ticket: Option<PendingCharge<K, P>> },
        Rejected { rejection: Option<Rejection> },
    }
}

impl<F, K: Key, P: Pricing> ResponseFuture<F, K, P> {
    pub(super) fn call(future: F, ticket: Option<PendingCharge<K, P>>) -> Self {
        Self { state: FutureState::Calling { future, ticket } }
    }

    pub(super) fn reject(rejection: Rejection) -> Self {
        Self { state: FutureState::Rejected { rejection: Some(rejection) } }
    }
}

impl<F, K: Key, P: Pricing> fmt::Debug for ResponseFuture<F, K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, E, R, K, P> Future for ResponseFuture<F, K, P>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body<Data = Bytes>,
    K: Key,
    P: Pricing,
{
    type Output = Result<Response<ResponseBody<R, K, P>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (future, ticket) = match self.project().state.project() {
            StateProj::Calling { future, ticket } => (future, ticket),
            StateProj::Rejected { rejection } => {
                let rejection = rejection.take().expect("polled after completion");
                return Poll::Ready(Ok(rejection.by("budget").into_response()));
            }
        };
        let result = ready!(future.poll(cx));
        let mut ticket = ticket.take();
        Poll::Ready(match result {
            Ok(response) => {
                if let Some(ticket) = &mut ticket {
                    ticket.head(&response);
                }
                Ok(response.map(|body| ResponseBody::new(body, ticket)))
            }
            Err(error) => {
                if let Some(ticket) = &mut ticket {
                    ticket.ends(BodyEnd::Error);
                }
                Err(error)
            }
        })
    }
}
