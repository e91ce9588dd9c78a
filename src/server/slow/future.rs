use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Response, StatusCode, Version, header::CONNECTION};
use pin_project_lite::pin_project;
use switchtower_layers::{Code, Rejection, body::ResponseBody};

use super::body::TooSlow;

pin_project! {
    /// The future of [`LimitSlowBodies`](super::LimitSlowBodies).
    pub struct ResponseFuture<F> {
        #[pin]
        future: F,
        too_slow: Option<TooSlow>,
        version: Version,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(future: F, too_slow: Option<TooSlow>, version: Version) -> Self {
        Self { future, too_slow, version }
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
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.future.poll(cx))?;
        Poll::Ready(Ok(match this.too_slow.as_ref().is_some_and(TooSlow::was_set) {
            true => timed_out(*this.version),
            false => response.map(ResponseBody::inner),
        }))
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
