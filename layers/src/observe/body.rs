use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{layer::ErrorPolicy, reader::Reader, ready_frames::ReadyFrames};
use crate::{
    BoxError,
    body::BodyEnd,
    exchange::{Fault, Recorder},
};

pin_project! {
    /// The body of [`Observe`](super::Observe)'s responses. See the [module](super) for how its
    /// frames differ from the inner one's.
    pub struct ObserveBody<B: Body> {
        #[pin]
        inner: B,
        // Taken when the end is recorded.
        watch: Option<AttemptGuard>,
        out: ReadyFrames,
        // What broke the stream, once everything before it has passed.
        fault: Option<Fault>,
        // They come last.
        trailers: Option<Frame<Bytes>>,
    }

    impl<B: Body> PinnedDrop for ObserveBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let Some(watch) = this.watch.take() else { return };
            if this.inner.is_end_stream() {
                // An empty body may never be polled at all.
                let _ = watch.complete(this.out);
            } else {
                // A deadline may have aborted the body: the layer that ends the stream needs its
                // position.
                watch.dropped();
            }
        }
    }
}

struct AttemptGuard {
    reader: Reader,
    recorder: Recorder,
    errors: ErrorPolicy,
}

impl AttemptGuard {
    fn complete(self, out: &mut ReadyFrames) -> Result<(), Fault> {
        let Self { reader, recorder, errors } = self;
        let whole = reader.end(out, &recorder);
        recorder.update(|record| errors.apply(record));
        let whole = whole.map_err(|fault| errors.applied(fault, &recorder));
        if let Err(fault) = &whole {
            recorder.fault(fault.clone());
        }
        recorder.end(BodyEnd::Complete);
        whole
    }

    fn broken(self, fault: Fault) {
        let Self { reader, recorder, errors } = self;
        reader.broken(&recorder);
        recorder.update(|record| errors.apply(record));
        recorder.fault(fault);
        recorder.end(BodyEnd::Error);
    }

    fn dropped(self) {
        let Self { reader, recorder, errors } = self;
        reader.broken(&recorder);
        recorder.update(|record| errors.apply(record));
        recorder.end(BodyEnd::Dropped);
    }
}

impl<B: Body> ObserveBody<B> {
    pub(super) fn new(inner: B, reader: Reader, recorder: Recorder, errors: ErrorPolicy) -> Self {
        let watch = Some(AttemptGuard { reader, recorder, errors });
        Self { inner, watch, out: ReadyFrames::default(), fault: None, trailers: None }
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
        loop {
            if let Some(data) = this.out.pop() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            if let Some(fault) = this.fault.take() {
                return Poll::Ready(Some(Err(fault.into())));
            }
            if let Some(trailers) = this.trailers.take() {
                return Poll::Ready(Some(Ok(trailers)));
            }
            // The end, or what broke the stream, was recorded: the rest is not the reader's.
            let Some(watch) = this.watch.as_mut() else { return Poll::Ready(None) };
            match ready!(this.inner.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        let AttemptGuard { reader, recorder, errors } = watch;
                        if let Err(fault) = reader.read(data, this.out, recorder, errors) {
                            let fault = errors.applied(fault, recorder);
                            *this.fault = Some(fault.clone());
                            this.watch.take().into_iter().for_each(|w| w.broken(fault.clone()));
                        } else if this.inner.is_end_stream() {
                            *this.fault =
                                this.watch.take().and_then(|w| w.complete(this.out).err());
                        }
                    }
                    // A server that has passed them on never polls for the end.
                    Err(trailers) => {
                        *this.fault = this.watch.take().and_then(|w| w.complete(this.out).err());
                        *this.trailers = Some(trailers).filter(|_| this.fault.is_none());
                    }
                },
                // The model had finished: what is missing is no part of the answer.
                Some(Err(_)) if watch.reader.is_finished() => {
                    watch.reader.drop_tail();
                    *this.fault =
                        this.watch.take().and_then(|watch| watch.complete(this.out).err());
                }
                Some(Err(error)) => {
                    let error = error.into();
                    let fault = Fault::Transport(error.to_string().into());
                    this.watch.take().into_iter().for_each(|watch| watch.broken(fault.clone()));
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    *this.fault =
                        this.watch.take().and_then(|watch| watch.complete(this.out).err());
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.out.is_empty()
            && self.fault.is_none()
            && self.trailers.is_none()
            && self.inner_is_over()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.watch {
            // It may end early, or lose events that are not for the client.
            Some(AttemptGuard { reader: Reader::Events(_), .. }) => SizeHint::default(),
            _ if self.out.is_empty() => self.inner.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

impl<B: Body> ObserveBody<B> {
    /// Before the first poll the inner body may say so itself; later, what it said was recorded.
    fn inner_is_over(&self) -> bool {
        match &self.watch {
            Some(AttemptGuard { reader: Reader::Events(_), .. }) => false,
            Some(_) => self.inner.is_end_stream(),
            None => true,
        }
    }
}
