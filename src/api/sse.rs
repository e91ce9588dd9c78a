use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    body::Body,
    http::{
        HeaderName, HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::Response,
};
use bytes::{Bytes, BytesMut};
use http_body::Frame;

/// When clients whose stream has ended come back.
const RETRY: &[u8] = b"retry: 2000\n";

/// An event stream. `poll` gives the lines of the next event, or `None` at the end.
pub(super) fn response<F>(poll: F) -> Response
where
    F: FnMut(&mut Context<'_>) -> Poll<Option<Bytes>> + Send + Unpin + 'static,
{
    let mut response = Response::new(Body::new(Sse { poll, begun: false }));
    for (name, value) in [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        // What is between must not wait for more.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

struct Sse<F> {
    poll: F,
    begun: bool,
}

impl<F> http_body::Body for Sse<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<Option<Bytes>> + Unpin,
{
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let Some(mut bytes) = ready!((this.poll)(cx)) else { return Poll::Ready(None) };
        if !this.begun {
            this.begun = true;
            bytes = BytesMut::from_iter(RETRY.iter().chain(&bytes)).freeze();
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}
