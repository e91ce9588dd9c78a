//! A scripted inner service for tests that records its answers as an observer does.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use tower_service::Service;

use super::tests::target;
use crate::{
    Buffered, Exchange,
    body::BodyEnd,
    exchange::{AttemptRecord, Recorder},
};

/// A scripted answer, recorded as by an observer.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    /// Frames to send before `record` are recorded with the end.
    pub(super) frames: usize,
    /// The body never ends.
    pub(super) stalls: bool,
    pub(super) breaks: bool,
    pub(super) observes: bool,
    pub(super) record: AttemptRecord,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            status: 200,
            content_type: "application/json",
            frames: 1,
            stalls: false,
            breaks: false,
            observes: true,
            record: AttemptRecord::default(),
        }
    }
}

pub(super) struct Observed {
    script: Script,
    recorder: Option<Recorder>,
    sent: usize,
}

impl Observed {
    fn end(&mut self, end: BodyEnd) {
        let Some(recorder) = self.recorder.take() else { return };
        let record = self.script.record.clone();
        recorder.update(|recorded| {
            let (status, target) = (recorded.status, recorded.target.take());
            *recorded = AttemptRecord { status, target, ..record };
        });
        recorder.end(end);
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.end(BodyEnd::Dropped);
    }
}

impl Body for Observed {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        let this = self.get_mut();
        if this.sent < this.script.frames {
            this.sent += 1;
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"frame")))));
        }
        if this.script.stalls {
            return Poll::Pending;
        }
        this.end(if this.script.breaks { BodyEnd::Error } else { BodyEnd::Complete });
        Poll::Ready(this.script.breaks.then_some(Err("cut")))
    }
}

/// The layers further in: an observer, or none.
#[derive(Clone)]
pub(super) struct Inner(pub(super) Script);

impl Service<Request<Buffered>> for Inner {
    type Response = Response<Observed>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Observed>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Buffered>) -> Self::Future {
        let script = self.0.clone();
        let exchange = request.extensions().get::<Exchange>().expect("the layer makes one");
        let response = Response::builder()
            .status(script.status)
            .header("content-type", script.content_type)
            .body(())
            .unwrap();
        let recorder = script.observes.then(|| {
            let recorder = exchange.begin();
            recorder.head(response.status());
            recorder.update(|record| record.target = Some(target("cheap")));
            recorder
        });
        std::future::ready(Ok(response.map(|()| Observed { script, recorder, sent: 0 })))
    }
}
