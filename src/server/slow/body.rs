use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use switchtower_layers::BoxError;
use tokio::time::{Sleep, sleep};

/// Tells whoever holds the other end that a body was too slow.
#[derive(Clone, Debug, Default)]
pub(super) struct TooSlow(Arc<AtomicBool>);

impl TooSlow {
    pub(super) fn was_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

pin_project! {
    /// A request's body whose pieces have to come within a time of each other.
    pub struct SlowBody<B> {
        #[pin]
        inner: B,
        // While there is a wait.
        #[pin]
        timer: Option<Sleep>,
        // `None` for a body that is empty, or may take as long as it likes.
        limit: Option<(Duration, TooSlow)>,
    }
}

impl<B> SlowBody<B> {
    pub(super) fn new(inner: B, limit: Option<(Duration, TooSlow)>) -> Self {
        Self { inner, timer: None, limit }
    }
}

impl<B> fmt::Debug for SlowBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlowBody").finish_non_exhaustive()
    }
}

impl<B: Body<Error: Into<BoxError>>> Body for SlowBody<B> {
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let mut this = self.project();
        if let Poll::Ready(frame) = this.inner.poll_frame(cx) {
            this.timer.set(None);
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let Some((limit, too_slow)) = this.limit else { return Poll::Pending };
        if this.timer.is_none() {
            this.timer.set(Some(sleep(*limit)));
        }
        match this.timer.as_pin_mut().map(|timer| timer.poll(cx)) {
            Some(Poll::Ready(())) => {
                too_slow.0.store(true, Ordering::Relaxed);
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
