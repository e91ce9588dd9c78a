use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// End of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyEnd {
    /// It was read to its end.
    Complete,
    /// It gave an error.
    Error,
    /// The body was dropped before its end: the reader disconnected.
    Dropped,
}

/// A guard that wants to know how a body ended.
///
/// Any `FnOnce(BodyEnd)` is one.
pub trait Settle {
    /// Called exactly once, synchronously, at the body's end or from its `Drop`.
    fn settle(self, end: BodyEnd);
}

impl<F: FnOnce(BodyEnd)> Settle for F {
    fn settle(self, end: BodyEnd) {
        self(end);
    }
}

pin_project! {
    /// A body that carries a guard (a permit, a reservation) and settles it when the body ends,
    /// fails or is dropped, whichever comes first.
    ///
    /// The end is `None`, an error, trailers, **or** [`is_end_stream`](Body::is_end_stream) turning
    /// true after a frame: a server that knows the length never polls for the `None`. When the body
    /// is dropped, the inner one goes first: what it records then is there for the guard to read.
    pub struct SettleBody<B: Body, G: Settle> {
        // `None` only while it is dropped.
        #[pin]
        inner: Option<B>,
        guard: Option<G>,
    }

    impl<B: Body, G: Settle> PinnedDrop for SettleBody<B, G> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // An empty body may never be polled at all.
            let is_over = this.inner.as_ref().as_pin_ref().is_none_or(|inner| inner.is_end_stream());
            this.inner.set(None);
            settle(this.guard, if is_over { BodyEnd::Complete } else { BodyEnd::Dropped });
        }
    }
}

impl<B: Body, G: Settle> SettleBody<B, G> {
    /// `inner`, with a guard to settle at its end.
    pub fn new(inner: B, guard: G) -> Self {
        Self { inner: Some(inner), guard: Some(guard) }
    }

    /// The guard, until it is settled.
    pub fn guard(self: Pin<&mut Self>) -> Option<&mut G> {
        self.project().guard.as_mut()
    }
}

fn settle<G: Settle>(guard: &mut Option<G>, end: BodyEnd) {
    if let Some(guard) = guard.take() {
        guard.settle(end);
    }
}

impl<B: Body, G: Settle> fmt::Debug for SettleBody<B, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettleBody").field("settled", &self.guard.is_none()).finish()
    }
}

impl<B: Body, G: Settle> Body for SettleBody<B, G>
where
    B::Data: Buf,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let Some(mut inner) = this.inner.as_pin_mut() else { return Poll::Ready(None) };
        let frame = ready!(inner.as_mut().poll_frame(cx));
        match &frame {
            // A server that has passed trailers on never polls for the end.
            Some(Ok(frame)) if frame.is_trailers() || inner.is_end_stream() => {
                settle(this.guard, BodyEnd::Complete);
            }
            Some(Ok(_)) => {}
            Some(Err(_)) => settle(this.guard, BodyEnd::Error),
            None => settle(this.guard, BodyEnd::Complete),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, convert::Infallible, rc::Rc};

    use bytes::Bytes;
    use futures_util::stream;
    use http_body_util::{BodyExt, Full, StreamBody, channel::Channel};

    use super::*;

    type Log = Rc<RefCell<Vec<BodyEnd>>>;

    fn logged<B: Body>(body: B) -> (SettleBody<B, impl Settle>, Log) {
        let log = Log::default();
        let seen = log.clone();
        (SettleBody::new(body, move |end| seen.borrow_mut().push(end)), log)
    }

    #[tokio::test]
    async fn completes_on_none() {
        let (mut sender, channel) = Channel::<Bytes, Infallible>::new(1);
        let (mut body, log) = logged(channel);
        sender.send_data("a".into()).await.unwrap();
        drop(sender);
        body.frame().await.unwrap().unwrap();
        assert_eq!(*log.borrow(), []);
        assert!(body.frame().await.is_none());
        drop(body);
        assert_eq!(*log.borrow(), [BodyEnd::Complete]);
    }

    #[tokio::test]
    async fn completes_with_the_last_frame_of_a_known_length() {
        let (mut body, log) = logged(Full::new(Bytes::from("abc")));
        body.frame().await.unwrap().unwrap();
        assert_eq!(*log.borrow(), [BodyEnd::Complete]);
        drop(body);
        assert_eq!(log.borrow().len(), 1);
    }

    #[tokio::test]
    async fn an_error_and_a_drop_are_told_apart() {
        let failing = StreamBody::new(stream::iter([Err::<Frame<Bytes>, _>("cut")]));
        let (mut body, log) = logged(failing);
        assert!(body.frame().await.unwrap().is_err());
        drop(body);
        assert_eq!(*log.borrow(), [BodyEnd::Error]);

        let (body, log) = logged(Full::new(Bytes::from("abc")));
        drop(body);
        assert_eq!(*log.borrow(), [BodyEnd::Dropped]);
    }

    #[tokio::test]
    async fn a_dropped_body_goes_before_its_guard_is_settled() {
        let log = Log::default();
        let [inner, outer] = [log.clone(), log.clone()];
        let body = SettleBody::new(Full::new(Bytes::from("a")), move |end| {
            inner.borrow_mut().push(end);
        });
        let body = SettleBody::new(body, move |_| outer.borrow_mut().push(BodyEnd::Error));
        drop(body);
        assert_eq!(*log.borrow(), [BodyEnd::Dropped, BodyEnd::Error]);
    }

    #[test]
    fn an_empty_body_that_nobody_polls_is_complete() {
        let (body, log) = logged(Full::new(Bytes::new()));
        drop(body);
        assert_eq!(*log.borrow(), [BodyEnd::Complete]);
    }
}
