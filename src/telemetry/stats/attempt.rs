use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use pin_project_lite::pin_project;
use switchtower_layers::{
    Exchange,
    body::{BodyEnd, Settle, SettleBody},
};
use tokio::time::{Duration, Instant};

use super::series::Series;

/// One attempt that is under way. Counted when it is settled.
pub(super) struct Attempt {
    series: Arc<Mutex<Series>>,
    exchange: Exchange,
    begun: Instant,
    first_token: Option<Duration>,
}

impl Attempt {
    pub(super) fn begin(series: Arc<Mutex<Series>>, exchange: Exchange) -> Self {
        Self { series, exchange, begun: Instant::now(), first_token: None }
    }

    fn look(&mut self) {
        if self.first_token.is_none() && self.exchange.read(|facts| facts.content) {
            self.first_token = Some(self.begun.elapsed());
        }
    }
}

impl Settle for Attempt {
    fn settle(self, _: BodyEnd) {
        let took = self.begun.elapsed();
        self.exchange.read(|facts| self.series.lock().ended(facts, took, self.first_token));
    }
}

pin_project! {
    /// The body of [`CountAttempts`](super::CountAttempts)'s responses.
    pub struct StatsBody<B: Body> {
        #[pin]
        kind: Kind<B>,
        is_events: bool,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<B: Body> {
        Counted { #[pin] body: SettleBody<B, Attempt> },
        Uncounted { #[pin] body: B },
    }
}

impl<B: Body> StatsBody<B> {
    pub(super) fn new(body: B, attempt: Option<Attempt>, is_events: bool) -> Self {
        let kind = match attempt {
            Some(attempt) => Kind::Counted { body: SettleBody::new(body, attempt) },
            None => Kind::Uncounted { body },
        };
        Self { kind, is_events }
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
        if *this.is_events {
            body.guard().into_iter().for_each(Attempt::look);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Counted { body } => body.is_end_stream(),
            Kind::Uncounted { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Counted { body } => body.size_hint(),
            Kind::Uncounted { body } => body.size_hint(),
        }
    }
}
