use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{Request, Response};
use tokio::time::Instant;

use super::{
    Settings,
    peeked_body::PeekedBody,
    schedule::{NotRetried, Schedule},
};
use crate::{
    Exchange, Target,
    classify::{
        Attempts, CircuitOpen, RequestDeadline, ResponseClass, RetriesLeft, RetryAllowance,
        TransportError, retry_after,
    },
    exchange::UpstreamError,
};

/// One request, and what becomes of its attempts. No I/O.
pub(super) struct RetryCall<B> {
    /// Gone once the last attempt is made.
    request: Option<Request<B>>,
    settings: Arc<Settings>,
    schedule: Schedule,
    /// Those that were answered.
    attempts: u32,
    /// Retries that were left when the last answer was kept for a failover.
    left: Option<RetriesLeft>,
}

impl<B> RetryCall<B> {
    pub(super) fn new(request: Request<B>, settings: Arc<Settings>) -> Self {
        if let Some(budget) = &settings.budget {
            budget.deposit();
        }
        let schedule = Schedule::new(&settings);
        Self { request: Some(request), settings, schedule, attempts: 0, left: None }
    }

    /// The request of the next attempt. The last one is not cloned.
    pub(super) fn request(&mut self) -> Request<B>
    where
        B: Clone,
    {
        let request =
            if self.schedule.is_last() { self.request.take() } else { self.request.clone() };
        request.expect("there are attempts left")
    }

    /// An answer's head has come: how long to wait before the next attempt, if its body says
    /// nothing against that.
    pub(super) fn answered<R>(&mut self, response: &Response<R>) -> Option<Duration> {
        self.attempts += Attempts::of(response).0;
        if response.status().is_success() {
            return None;
        }
        let meaning = ResponseClass::of(response, None, SystemTime::now);
        if !self.settings.covers(meaning, response.status()) {
            return None;
        }
        if response.extensions().get::<CircuitOpen>().is_some() {
            self.keep(NotRetried::CircuitOpen);
            return None;
        }
        let asked = retry_after(response.headers(), SystemTime::now());
        let wait = self.schedule.next(self.allowed(), asked, self.left());
        wait.map_err(|kept| self.keep(kept)).ok()
    }

    /// How many retries the request may use, by its exchange.
    fn allowed(&self) -> u32 {
        let exchange =
            self.request.as_ref().and_then(|request| request.extensions().get::<Exchange>());
        let allowance = exchange.map_or(RetryAllowance::All, Exchange::retry_allowance);
        self.settings.allowed(allowance)
    }

    /// The error's body was read: how long to wait before the next attempt, after all.
    pub(super) fn read<R>(
        &mut self,
        answer: &Response<PeekedBody<R>>,
        read: Result<(), NotRetried>,
        wait: Duration,
    ) -> Option<Duration> {
        let wait = read.and_then(|()| {
            let error = said(answer);
            let meaning = ResponseClass::of(answer, Some(&error), SystemTime::now);
            if !self.settings.covers(meaning, answer.status()) {
                return Err(NotRetried::Said);
            }
            let wait = self.schedule.extended(wait, error.retry_after)?;
            self.retry(wait, || why(answer, &error))?;
            Ok(wait)
        });
        wait.map_err(|kept| self.keep(kept)).ok()
    }

    /// The service failed without an answer: how long to wait before the next attempt.
    pub(super) fn failed(&mut self) -> Option<Duration> {
        self.attempts += 1;
        let wait = self.schedule.next(self.allowed(), None, self.left()).and_then(|wait| {
            self.retry(wait, || String::from("the service failed"))?;
            Ok(wait)
        });
        wait.map_err(|kept| self.keep(kept)).ok()
    }

    /// Reports the number of attempts to outer layers.
    pub(super) fn mark<R>(&self, response: &mut Response<R>) {
        let attempts = Attempts(self.attempts);
        if Attempts::of(response) != attempts {
            response.extensions_mut().insert(attempts);
        }
        if let Some(left) = self.left {
            response.extensions_mut().insert(left);
        }
    }

    /// The last word: there is time for it, and the budget is asked.
    fn retry(&self, wait: Duration, why: impl FnOnce() -> String) -> Result<(), NotRetried> {
        if self.left().is_some_and(|left| left <= wait) {
            return Err(NotRetried::NoTime);
        }
        if self.settings.budget.as_ref().is_some_and(|budget| !budget.withdraw()) {
            return Err(NotRetried::NoBudget);
        }
        let (attempt, wait) = (self.attempts, tracing::field::debug(wait));
        tracing::info!(attempt, target = self.target(), why = why(), wait, "retrying");
        Ok(())
    }

    fn keep(&mut self, why: NotRetried) {
        self.left = (why == NotRetried::Failover).then(|| RetriesLeft(self.schedule.left()));
        let why = tracing::field::display(why);
        tracing::debug!(attempt = self.attempts, target = self.target(), why, "not retried");
    }

    fn target(&self) -> Option<impl tracing::Value> {
        let target = self.request.as_ref()?.extensions().get::<Target>();
        target.map(tracing::field::display)
    }

    /// Until the total deadline.
    fn left(&self) -> Option<Duration> {
        let RequestDeadline(total) =
            self.request.as_ref()?.extensions().get::<RequestDeadline>()?;
        Some(total.saturating_duration_since(Instant::now()))
    }
}

/// What an error's body said: read by the observer, or else here.
fn said<R>(answer: &Response<PeekedBody<R>>) -> UpstreamError {
    let exchange = answer.extensions().get::<Exchange>();
    let observed = exchange.and_then(|exchange| exchange.read(|record| record.error.clone()));
    observed.unwrap_or_else(|| UpstreamError::read(answer.body().bytes()))
}

/// Without the message, which may quote the prompt.
fn why<R>(response: &Response<R>, error: &UpstreamError) -> String {
    if let Some(cause) = response.extensions().get::<TransportError>() {
        return cause.to_string();
    }
    let status = response.status().as_u16();
    match error.code.as_deref().or(error.kind.as_deref()) {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    }
}
