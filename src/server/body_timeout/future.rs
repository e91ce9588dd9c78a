use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Response, StatusCode, Version, header::CONNECTION};
use pin_project_lite::pin_project;
use switchtower_layers::{Code, Rejection, body::ResponseBody};

use super::body::BodyProgress;

/// The request was answered before its body was read: an extension of the response, over HTTP/1 only.
#[derive(Clone, Copy, Debug)]
pub struct AnsweredEarly;

pin_project! {
    /// The future of [`BodyTimeout`](super::LimitSlowBodies).
    pub struct ResponseFuture<F, R> {
        #[pin]
        future: F,
        progress: Option<BodyProgress>,
        version: Version,
        // An early answer. Boxed: it is rare, and large.
        early: Option<Box<Response<ResponseBody<R>>>>,
    }
}

impl<F, R> ResponseFuture<F, R> {
    pub(super) fn new(future: F, progress: Option<BodyProgress>, version: Version) -> Self {
        Self { future, progress, version, early: None }
    }
}

impl<F, R> fmt::Debug for ResponseFuture<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, E, R> Future for ResponseFuture<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(response) = this.early.take() {
            return Poll::Ready(Ok(*response));
        }
        let response = ready!(this.future.poll(cx))?;
        let unread = this.progress.as_ref().filter(|progress| !progress.is_complete());
        let Some(progress) = unread else {
            return Poll::Ready(Ok(response.map(ResponseBody::inner)));
        };
        let mut response = match progress.has_timed_out() {
            true => timed_out(*this.version),
            false => response.map(ResponseBody::inner),
        };
        // Streams of HTTP/2 end by themselves, and an upgrade ends no request.
        if *this.version >= Version::HTTP_2 || response.status() == StatusCode::SWITCHING_PROTOCOLS
        {
            return Poll::Ready(Ok(response));
        }
        response.extensions_mut().insert(AnsweredEarly);
        // Until the next poll, the server sees that the body is not read. It takes a small one that
        // has come already for read; else it closes the connection, and the response's head says
        // so.
        *this.early = Some(Box::new(response));
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn timed_out<R>(version: Version) -> Response<ResponseBody<R>> {
    let message = "the request's body did not come in time";
    let rejection = Rejection::new(Code::InvalidRequest, message);
    let rejection = rejection.status(StatusCode::REQUEST_TIMEOUT).by("slow_body");
    let mut response = rejection.into_response();
    // HTTP/2 has streams for that, and no such header.
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
