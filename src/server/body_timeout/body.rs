use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use switchtower_layers::BoxError;
use tokio::time::{Sleep, sleep};

/// Progress of reading a body. A handle: the body writes it, and the response future reads it.
#[derive(Clone, Debug, Default)]
pub(super) struct BodyProgress(Arc<AtomicU8>);

impl BodyProgress {
    const UNREAD: u8 = 0;
    const COMPLETE: u8 = 1;
    const TIMED_OUT: u8 = 2;

    pub(super) fn is_complete(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Self::COMPLETE
    }

    pub(super) fn has_timed_out(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Self::TIMED_OUT
    }

    fn set(&self, progress: u8) {
        debug_assert_ne!(progress, Self::UNREAD);
        self.0.store(progress, Ordering::Relaxed);
    }
}

pin_project! {
    /// A request's body whose pieces have to come within a time of each other.
    pub struct TimeoutBody<B> {
        #[pin]
        inner: B,
        // While there is a wait.
        #[pin]
        timer: Option<Sleep>,
        // `None` for a body that may take as long as it likes.
        limit: Option<Duration>,
        // `None` for an empty body.
        progress: Option<BodyProgress>,
    }
}

impl<B> TimeoutBody<B> {
    pub(super) fn new(inner: B, limit: Option<Duration>, progress: Option<BodyProgress>) -> Self {
        Self { inner, timer: None, limit, progress }
    }
}

impl<B> fmt::Debug for TimeoutBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutBody").finish_non_exhaustive()
    }
}

impl<B: Body<Error: Into<BoxError>>> Body for TimeoutBody<B> {
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let mut this = self.project();
        if let Poll::Ready(frame) = this.inner.as_mut().poll_frame(cx) {
            this.timer.set(None);
            let is_complete = match &frame {
                None => true,
                Some(Ok(_)) => this.inner.is_end_stream(),
                Some(Err(_)) => false,
            };
            if let Some(progress) = this.progress.as_ref().filter(|_| is_complete) {
                progress.set(BodyProgress::COMPLETE);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let Some((limit, progress)) = this.limit.zip(this.progress.as_ref()) else {
            return Poll::Pending;
        };
        if this.timer.is_none() {
            this.timer.set(Some(sleep(limit)));
        }
        match this.timer.as_pin_mut().map(|timer| timer.poll(cx)) {
            Some(Poll::Ready(())) => {
                progress.set(BodyProgress::TIMED_OUT);
                Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())))
            }
            _ => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
