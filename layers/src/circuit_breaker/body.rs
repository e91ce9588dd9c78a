use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::call_guard::CallGuard;
use crate::body::{self, BodyEnd};

pin_project! {
    /// The body of [`CircuitBreaker`](super::CircuitBreaker)'s responses: the inner one, with the
    /// call's permit until it ends.
    pub struct ResponseBody<B> {
        #[pin]
        inner: body::ResponseBody<B>,
        // Taken when the call is settled.
        watch: Option<CallGuard>,
        // The body is empty and may never be polled.
        empty: bool,
    }

    impl<B> PinnedDrop for ResponseBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let Some(watch) = this.watch.take() else { return };
            let end = if *this.empty { BodyEnd::Complete } else { BodyEnd::Dropped };
            // First: an observer further in records how it ended when it is dropped.
            this.inner.set(Bytes::new().into());
            watch.end(end);
        }
    }
}

impl<B: Body<Data = Bytes>> ResponseBody<B> {
    pub(super) fn watched(inner: B, watch: Option<CallGuard>) -> Self {
        let empty = inner.is_end_stream();
        Self { inner: body::ResponseBody::inner(inner), watch, empty }
    }
}

impl<B> From<Bytes> for ResponseBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self { inner: bytes.into(), watch: None, empty: false }
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("settled", &self.watch.is_none()).finish()
    }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        let end = match &frame {
            Some(Err(_)) => BodyEnd::Error,
            // A server that knows the length never polls for the `None`.
            Some(Ok(data)) if !data.is_trailers() && !this.inner.is_end_stream() => {
                return Poll::Ready(frame);
            }
            Some(Ok(_)) | None => BodyEnd::Complete,
        };
        if let Some(watch) = this.watch.take() {
            watch.end(end);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
