use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::reader::Reader;
use crate::{
    BoxError,
    body::BodyEnd,
    exchange::{Fault, Recorder},
};

pin_project! {
    /// The body of [`Observe`](super::Observe)'s responses: the inner one, untouched.
    pub struct ObserveBody<B: Body> {
        #[pin]
        inner: B,
        // Taken when the end is recorded.
        watch: Option<Watch>,
    }

    impl<B: Body> PinnedDrop for ObserveBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            // An empty body may never be polled at all.
            let end = if this.inner.is_end_stream() { BodyEnd::Complete } else { BodyEnd::Dropped };
            end_with(this.watch, end);
        }
    }
}

struct Watch {
    reader: Reader,
    recorder: Recorder,
}

fn end_with(watch: &mut Option<Watch>, end: BodyEnd) {
    if let Some(Watch { reader, recorder }) = watch.take() {
        if end == BodyEnd::Complete {
            reader.end(&recorder);
        }
        recorder.end(end);
    }
}

impl<B: Body> ObserveBody<B> {
    pub(super) fn new(inner: B, reader: Reader, recorder: Recorder) -> Self {
        Self { inner, watch: Some(Watch { reader, recorder }) }
    }
}

impl<B: Body> fmt::Debug for ObserveBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveBody").field("ended", &self.watch.is_none()).finish()
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>>> Body for ObserveBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        let frame =
            ready!(this.inner.as_mut().poll_frame(cx)).map(|frame| frame.map_err(Into::into));
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(watch), Some(data)) = (this.watch.as_mut(), frame.data_ref()) {
                    watch.reader.read(data, &watch.recorder);
                }
                if this.inner.is_end_stream() {
                    end_with(this.watch, BodyEnd::Complete);
                }
            }
            Some(Err(error)) => {
                if let Some(watch) = this.watch.as_ref() {
                    watch.recorder.fault(Fault::Transport(error.to_string().into()));
                }
                end_with(this.watch, BodyEnd::Error);
            }
            None => end_with(this.watch, BodyEnd::Complete),
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
