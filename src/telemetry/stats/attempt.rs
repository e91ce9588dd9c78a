use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use switchtower_layers::{
    Exchange,
    body::{BodyEnd, Settle, SettleBody},
    exchange::Outcome,
};
use tokio::time::Instant;

use super::series::Series;
use crate::telemetry::metrics::Operation;

/// One attempt that is under way. Counted when it is settled.
pub(super) struct Attempt {
    series: Arc<Series>,
    exchange: Exchange,
    operation: Operation,
    begun: Instant,
    is_events: bool,
    /// When the last chunk of a stream came.
    chunk: Option<Instant>,
}

impl Attempt {
    pub(super) fn begin(series: Arc<Series>, exchange: Exchange, operation: Operation) -> Self {
        let begun = Instant::now();
        Self { series, exchange, operation, begun, is_events: false, chunk: None }
    }

    /// The answer is a stream.
    pub(super) fn streams(&mut self) {
        self.is_events = true;
    }

    fn chunk(&mut self) {
        let now = Instant::now();
        if let Some(last) = self.chunk.replace(now) {
            self.series.metrics.chunk(self.operation, now.saturating_duration_since(last));
        }
    }
}

impl Settle for Attempt {
    fn settle(self, _: BodyEnd) {
        let Self { series, exchange, operation, begun, is_events, .. } = self;
        let took = begun.elapsed();
        exchange.read(|record| {
            let outcome = record.outcome().unwrap_or(Outcome::Cancelled);
            let content_at = record.content_at.filter(|_| is_events);
            let first_token = content_at.map(|at| at.saturating_duration_since(begun));
            series.counts.lock().ended(outcome, record, took, first_token);
            series.metrics.ended(operation, outcome, took, first_token, record.usage);
            if record.malformed > 0 {
                series.metrics.malformed(record.malformed);
            }
        });
    }
}

pin_project! {
    /// The body of [`CountAttempts`](super::CountAttempts)'s responses.
    pub struct StatsBody<B: Body> {
        #[pin]
        kind: BodyKind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum BodyKind<B: Body> {
        Counted { #[pin] body: SettleBody<B, Attempt> },
        Uncounted { #[pin] body: B },
    }
}

impl<B: Body> StatsBody<B> {
    pub(super) fn new(body: B, attempt: Option<Attempt>) -> Self {
        let kind = match attempt {
            Some(attempt) => BodyKind::Counted { body: SettleBody::new(body, attempt) },
            None => BodyKind::Uncounted { body },
        };
        Self { kind }
    }
}

impl<B: Body> fmt::Debug for StatsBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatsBody").finish_non_exhaustive()
    }
}

impl<B: Body> Body for StatsBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let mut body = match this.kind.project() {
            KindProj::Counted { body } => body,
            KindProj::Uncounted { body } => return body.poll_frame(cx),
        };
        let frame = ready!(body.as_mut().poll_frame(cx));
        let chunk = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
        if chunk.is_some_and(Buf::has_remaining) {
            let attempt = body.guard().filter(|attempt| attempt.is_events);
            attempt.into_iter().for_each(Attempt::chunk);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            BodyKind::Counted { body } => body.is_end_stream(),
            BodyKind::Uncounted { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            BodyKind::Counted { body } => body.size_hint(),
            BodyKind::Uncounted { body } => body.size_hint(),
        }
    }
}
