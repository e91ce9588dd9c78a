use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use switchtower_layers::{
    Rejection,
    body::{ResponseBody, SettleBody},
};

use super::table::Stream;

pin_project! {
    /// The future of [`StreamLimit`](super::LimitStreams).
    pub struct ResponseFuture<F> {
        #[pin]
        state: FutureState<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum FutureState<F> {
        Open { #[pin] future: F, stream: Option<Stream> },
        Rejected { rejection: Option<Rejection> },
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn open(future: F, stream: Stream) -> Self {
        Self { state: FutureState::Open { future, stream: Some(stream) } }
    }

    pub(super) fn reject(rejection: Rejection) -> Self {
        Self { state: FutureState::Rejected { rejection: Some(rejection) } }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, E, R> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = Result<Response<ResponseBody<SettleBody<R, Stream>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().state.project() {
            StateProj::Open { future, stream } => {
                let response = ready!(future.poll(cx));
                let stream = stream.take().expect("polled after completion");
                response.map(|response| {
                    response.map(|body| ResponseBody::inner(SettleBody::new(body, stream)))
                })
            }
            StateProj::Rejected { rejection } => {
                Ok(rejection.take().expect("polled after completion").into_response())
            }
        })
    }
}
