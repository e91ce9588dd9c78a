use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{DeadlineError, RequestDeadline, Settings, schedule::Schedule};
use crate::{Dialect, Exchange, exchange::Fault, request::Streamed};

/// The clock, the timer and the exchange around one attempt's [`Schedule`]. Moves from the future
/// into the body.
#[derive(Debug)]
pub(super) struct Timer {
    schedule: Schedule,
    // Made when something has to be waited for. Boxed, once per attempt, because it moves.
    timer: Option<Pin<Box<Sleep>>>,
    exchange: Exchange,
    /// The number of attempts that were begun before this one.
    earlier: u64,
    /// Whether an observer would understand the answer.
    understood: bool,
    /// The number of this attempt, if its answer is observed.
    attempt: Option<u64>,
}

impl Timer {
    pub(super) fn start<B>(settings: Settings, request: &mut Request<B>) -> Self {
        let streamed = Streamed::of(request).0;
        let told = request.extensions().get::<Dialect>().copied();
        let understood = told.or_else(|| Dialect::of_path(request.uri().path())).is_some();
        let total = request.extensions().get::<RequestDeadline>().map(|total| total.0);
        let exchange = request.extensions_mut().get_or_insert_default::<Exchange>().clone();
        Self {
            schedule: Schedule::new(settings, streamed, Instant::now(), total),
            timer: None,
            earlier: exchange.attempts(),
            exchange,
            understood,
            attempt: None,
        }
    }

    /// The head has arrived: from here on the source of content events is known.
    pub(super) fn head<R>(&mut self, response: &Response<R>) {
        self.schedule.head(Instant::now());
        if response.extensions().get::<Exchange>().is_some() {
            self.attempt = self.begun();
        }
        self.understood &= response.status().is_success();
    }

    /// A frame has come; the deadline that passed, if it came too late.
    pub(super) fn frame(&mut self, frame: &Frame<Bytes>) -> Option<DeadlineError> {
        let content = self.schedule.awaits_content()
            && match self.attempt {
                Some(_) if self.understood => self.exchange.read(|record| record.content),
                _ => frame.data_ref().is_some_and(|data| !data.is_empty()),
            };
        let passed = self.schedule.frame(Instant::now(), content);
        passed.filter(|_| !self.is_finished()).inspect(|&error| self.fail_attempt(error))
    }

    /// Whether the model has finished, and only the end of the stream is still to come.
    pub(super) fn is_finished(&self) -> bool {
        self.attempt.is_some() && self.exchange.read(|record| record.finish.is_some())
    }

    /// Nothing has come: whether a deadline has passed meanwhile.
    pub(super) fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<DeadlineError> {
        loop {
            let Some(due) = self.schedule.next() else { return Poll::Pending };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due.at)));
            if due.at < timer.deadline() {
                timer.as_mut().reset(due.at);
            }
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() == due.at {
                self.fail_attempt(due.error);
                return Poll::Ready(due.error);
            }
            // Frames do not touch the timer, so it may fire for an instant that has moved on.
            timer.as_mut().reset(due.at);
        }
    }

    /// Before the inner future or body is dropped, so that its end does not pass for a cancel.
    fn fail_attempt(&self, error: DeadlineError) {
        if let Some(attempt) = self.attempt.or_else(|| self.begun()) {
            self.exchange.fail_attempt(attempt, Fault::Deadline(error));
        }
    }

    /// The current attempt, if it was begun by this call.
    fn begun(&self) -> Option<u64> {
        Some(self.exchange.attempts()).filter(|&attempt| attempt > self.earlier)
    }
}
