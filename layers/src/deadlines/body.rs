use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{DeadlineError, timer::Timer};
use crate::{BoxError, body};

pin_project! {
    /// The body of [`Deadlines`](super::Deadlines)' responses: the inner one until a deadline
    /// passes, then a [`DeadlineError`] and the end.
    pub struct ResponseBody<B> {
        #[pin]
        inner: body::ResponseBody<B>,
        // Taken, and its timer with it, when the body ends.
        watch: Option<Timer>,
    }
}

impl<B: Body> ResponseBody<B> {
    pub(super) fn watched(inner: B, watch: Timer) -> Self {
        let watch = (!inner.is_end_stream()).then_some(watch);
        Self { inner: body::ResponseBody::inner(inner), watch }
    }
}

impl<B> From<Bytes> for ResponseBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self { inner: bytes.into(), watch: None }
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("ended", &self.watch.is_none()).finish()
    }
}

impl<B> ResponseBody<B> {
    /// Drops the inner body at once, which cancels the call.
    fn give_up(self: Pin<&mut Self>, error: DeadlineError) -> BoxError {
        let mut this = self.project();
        this.inner.set(Bytes::new().into());
        *this.watch = None;
        error.into()
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.as_mut().project();
        // Before the timer: what is there wins, however late this task was woken.
        let polled = this.inner.as_mut().poll_frame(cx);
        let Some(watch) = this.watch.as_mut() else {
            return polled.map(|frame| frame.map(|frame| frame.map_err(Into::into)));
        };
        let frame = match polled {
            Poll::Ready(Some(Ok(frame))) => frame,
            Poll::Ready(end) => {
                *this.watch = None;
                return Poll::Ready(end.map(|frame| frame.map_err(Into::into)));
            }
            Poll::Pending => {
                let error = ready!(watch.poll_passed(cx));
                // A stream may be left open behind its last event, and is whole all the same.
                let is_finished = watch.is_finished();
                let error = self.give_up(error);
                return Poll::Ready((!is_finished).then_some(Err(error)));
            }
        };
        if this.inner.is_end_stream() {
            *this.watch = None;
        } else if let Some(error) = watch.frame(&frame) {
            return Poll::Ready(Some(Err(self.give_up(error))));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
