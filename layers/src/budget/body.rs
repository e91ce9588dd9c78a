use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{Key, Pricing, pending_charge::PendingCharge};
use crate::body::{self, BodyEnd};

pin_project! {
    /// The body of [`Budget`](super::Budget)'s responses: the inner one, with what is reserved
    /// until it ends.
    pub struct ResponseBody<B, K: Key, P: Pricing> {
        #[pin]
        inner: body::ResponseBody<B>,
        // Taken when it is settled. Behind the inner body, and so dropped after it: an observer
        // further in records how the answer ended when it is dropped.
        ticket: Option<PendingCharge<K, P>>,
    }
}

impl<B: Body<Data = Bytes>, K: Key, P: Pricing> ResponseBody<B, K, P> {
    pub(super) fn new(inner: B, mut ticket: Option<PendingCharge<K, P>>) -> Self {
        // An empty body may never be polled.
        let end = if inner.is_end_stream() { BodyEnd::Complete } else { BodyEnd::Dropped };
        if let Some(ticket) = &mut ticket {
            ticket.ends(end);
        }
        Self { inner: body::ResponseBody::inner(inner), ticket }
    }
}

impl<B, K: Key, P: Pricing> ResponseBody<B, K, P> {
    fn settle(self: Pin<&mut Self>, end: BodyEnd) {
        let mut this = self.project();
        let Some(mut ticket) = this.ticket.take() else { return };
        this.inner.set(Bytes::new().into());
        ticket.ends(end);
    }
}

impl<B, K: Key, P: Pricing> From<Bytes> for ResponseBody<B, K, P> {
    fn from(bytes: Bytes) -> Self {
        Self { inner: bytes.into(), ticket: None }
    }
}

impl<B, K: Key, P: Pricing> fmt::Debug for ResponseBody<B, K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("settled", &self.ticket.is_none()).finish()
    }
}

impl<B: Body<Data = Bytes>, K: Key, P: Pricing> Body for ResponseBody<B, K, P> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.as_mut().project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        match &frame {
            Some(Err(_)) => self.settle(BodyEnd::Error),
            // A server that knows the length never polls for the `None`.
            Some(Ok(data)) if !data.is_trailers() && !this.inner.is_end_stream() => {}
            Some(Ok(_)) | None => self.settle(BodyEnd::Complete),
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
