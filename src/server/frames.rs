use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// A body whose empty frames stay here. Layers tell one another by them that bytes came; but
    /// to an HTTP/2 client they are empty DATA frames, and a hundred of those are an attack.
    pub(super) struct WithoutEmptyFrames<B> {
        #[pin]
        inner: B,
    }
}

impl<B> WithoutEmptyFrames<B> {
    pub(super) fn new(inner: B) -> Self {
        Self { inner }
    }
}

impl<B: Body<Data = Bytes>> Body for WithoutEmptyFrames<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut inner = self.project().inner;
        loop {
            match ready!(inner.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) if frame.data_ref().is_some_and(Bytes::is_empty) => {}
                frame => return Poll::Ready(frame),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
