use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Response, header::CONTENT_LENGTH};
use http_body::Body;
use pin_project_lite::pin_project;

use super::{ObserveBody, layer::ErrorPolicy, reader::Reader};
use crate::{BoxError, Dialect, Exchange, body::BodyEnd, exchange::Recorder};

pin_project! {
    /// The future of [`Observe`](super::Observe).
    pub struct ResponseFuture<F> {
        #[pin]
        pub(super) future: F,
        pub(super) exchange: Exchange,
        pub(super) recorder: Option<(Recorder, ErrorPolicy)>,
        pub(super) dialect: Option<Dialect>,
        pub(super) cap: usize,
        pub(super) withhold_usage: bool,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            // The future was dropped before the head.
            if let Some((recorder, _)) = this.project().recorder.take() {
                recorder.end(BodyEnd::Dropped);
            }
        }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, E, R> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Output = Result<Response<ObserveBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.future.poll(cx));
        let (recorder, errors) = this.recorder.take().expect("polled after completion");
        let mut response = result.inspect_err(|_| recorder.end(BodyEnd::Error))?;
        recorder.head(response.status());
        let reader = Reader::of(&response, *this.dialect, *this.cap, *this.withhold_usage);
        // Events may be dropped from it.
        if reader.is_events() {
            response.headers_mut().remove(CONTENT_LENGTH);
        }
        response.extensions_mut().insert(this.exchange.clone());
        Poll::Ready(Ok(response.map(|body| ObserveBody::new(body, reader, recorder, errors))))
    }
}
