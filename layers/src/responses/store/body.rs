use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{
    capture::{Capture, Found},
    persist::Persist,
    write::StoreWrite,
};

pin_project! {
    /// The body of [`StoredResponses`](super::State)'s responses. Of an answer that is to be stored it holds
    /// the end back until the store has it.
    pub struct StateBody<B: Body> {
        #[pin]
        inner: B,
        // Until the response has been found, or cannot be any more.
        watch: Option<(Capture, Persist)>,
        // Passes at once.
        free: Option<Bytes>,
        // The end, or what may be it: passes when it is not, or when the response is stored.
        held: Option<Bytes>,
        writing: Option<StoreWrite>,
        // What came behind what is held.
        last: Option<Result<Frame<Bytes>, B::Error>>,
        ended: bool,
    }
}

impl<B: Body> StateBody<B> {
    /// A body that is passed on as it is.
    pub(super) fn pass(inner: B) -> Self {
        Self { inner, watch: None, free: None, held: None, writing: None, last: None, ended: false }
    }

    pub(super) fn watch(inner: B, capture: Capture, keep: Persist) -> Self {
        Self { watch: Some((capture, keep)), ..Self::pass(inner) }
    }
}

impl<B: Body> fmt::Debug for StateBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateBody").field("watched", &self.watch.is_some()).finish()
    }
}

impl<B: Body<Data = Bytes>> Body for StateBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        loop {
            if let Some(data) = this.free.take() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            if this.watch.is_none() {
                ready!(StoreWrite::poll(this.writing, cx));
                if let Some(data) = this.held.take() {
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                if let Some(last) = this.last.take() {
                    return Poll::Ready(Some(last));
                }
                if *this.ended {
                    return Poll::Ready(None);
                }
                return this.inner.as_mut().poll_frame(cx);
            }
            let frame = ready!(this.inner.as_mut().poll_frame(cx));
            let Some((capture, _)) = this.watch else { continue };
            match frame.map(|frame| frame.map(Frame::into_data)) {
                // It only says that something came.
                Some(Ok(Ok(data))) if data.is_empty() => *this.free = Some(data),
                Some(Ok(Ok(mut data))) => match capture.feed(&data) {
                    Found::Nothing if matches!(capture, Capture::Events(_)) => {
                        *this.free = Some(data);
                    }
                    // Any frame may be the last one.
                    Found::Nothing => {
                        *this.free = this.held.replace(data);
                        if this.inner.is_end_stream() {
                            *this.writing = end(this.watch);
                        }
                    }
                    Found::Response(at, delivered) => {
                        let before = data.split_to(at);
                        *this.free = Some(before).filter(|before| !before.is_empty());
                        *this.held = Some(data);
                        *this.writing =
                            this.watch.take().map(|(_, keep)| StoreWrite::of(keep, delivered));
                    }
                    Found::Never => {
                        *this.watch = None;
                        *this.free = this.held.replace(data);
                    }
                },
                Some(Ok(Err(trailers))) => {
                    *this.writing = end(this.watch);
                    *this.last = Some(Ok(trailers));
                }
                Some(Err(error)) => {
                    *this.watch = None;
                    *this.last = Some(Err(error));
                }
                None => {
                    *this.writing = end(this.watch);
                    *this.ended = true;
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_empty = self.free.is_none() && self.held.is_none() && self.last.is_none();
        is_empty && self.writing.is_none() && (self.ended || self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let own = [&self.free, &self.held].into_iter().flatten().map(Bytes::len).sum::<usize>();
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + own as u64);
        if let Some(upper) = inner.upper().and_then(|upper| upper.checked_add(own as u64)) {
            hint.set_upper(upper);
        }
        hint
    }
}

/// The answer was read to its end.
fn end(watch: &mut Option<(Capture, Persist)>) -> Option<StoreWrite> {
    let (capture, keep) = watch.take()?;
    Some(StoreWrite::of(keep, capture.end()?))
}
