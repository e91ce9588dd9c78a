use std::time::SystemTime;

use http::{Request, Response};

use super::{CircuitState, circuit::Verdict, permit::Permit};
use crate::{
    Exchange,
    body::BodyEnd,
    classify::{CircuitOpen, ResponseClass},
    exchange::{AttemptRecord, Fault, Outcome},
};

/// One call on its way. Moves from the future into the body; dropped in between, the call was
/// cancelled.
#[derive(Debug)]
pub(super) struct CallGuard {
    permit: Permit,
    /// The request's exchange, or that of the answer.
    exchange: Option<Exchange>,
    /// The number of attempts that were begun before this one.
    earlier: u64,
    /// The number of this attempt, if its answer is observed.
    observed: Option<u64>,
}

impl CallGuard {
    pub(super) fn start<B>(permit: Permit, request: &Request<B>) -> Self {
        let exchange = request.extensions().get::<Exchange>().cloned();
        let earlier = exchange.as_ref().map_or(0, Exchange::attempts);
        Self { permit, exchange, earlier, observed: None }
    }

    /// The head has come: the rest, if the outcome is not settled yet. An answer after which the
    /// circuit is open is marked as [`CircuitOpen`].
    pub(super) fn head<B>(mut self, response: &mut Response<B>) -> Option<Self> {
        let meaning = ResponseClass::of(response, None, SystemTime::now);
        if let Some(exchange) = response.extensions().get::<Exchange>() {
            self.exchange = Some(exchange.clone());
            let attempt = exchange.attempts();
            self.observed = Some(attempt).filter(|&number| number > self.earlier);
        }
        if meaning == ResponseClass::Good {
            return Some(self);
        }
        let Self { permit, exchange, .. } = self;
        if let Some(outcome) = meaning.outcome() {
            // No connection and no answer in time are never the request's fault.
            let is_transport =
                matches!(meaning, ResponseClass::Transport | ResponseClass::Deadline);
            let request = exchange.as_ref().filter(|_| !is_transport).and_then(Exchange::request);
            let state = permit.settle(Verdict { outcome, request }, exchange.as_ref());
            if state == Some(CircuitState::Open) {
                response.extensions_mut().insert(CircuitOpen);
            }
        }
        None
    }

    /// The call itself failed.
    pub(super) fn failed(self) {
        self.permit.settle(Outcome::Fault.into(), self.exchange.as_ref());
    }

    /// The body has ended, and is gone if it was dropped.
    pub(super) fn end(self, end: BodyEnd) {
        let exchange = self.exchange.as_ref();
        let observed = || {
            let (exchange, attempt) = (exchange?, self.observed?);
            let verdict = exchange.read(|record| {
                let outcome = record.outcome()?;
                Some((outcome, is_by_request(record)))
            })?;
            // Afterwards: if no other attempt has begun by now, these were this one's facts.
            (exchange.attempts() == attempt).then_some(verdict)
        };
        let (outcome, is_by_request) = match (end, observed()) {
            // A stream that ends in an error of the provider's own limits is none of its faults.
            (BodyEnd::Error, Some((Outcome::Neutral, _))) => (Outcome::Neutral, false),
            (BodyEnd::Error, observed) => (Outcome::Fault, observed.is_some_and(|(_, by)| by)),
            (_, Some(observed)) => observed,
            (BodyEnd::Complete, None) => (Outcome::Success, false),
            (BodyEnd::Dropped, None) => (Outcome::Cancelled, false),
        };
        let request = exchange.filter(|_| is_by_request).and_then(Exchange::request);
        self.permit.settle(Verdict { outcome, request }, exchange);
    }
}

/// Whether the fault is what the provider answered, which may be caused by the request's content,
/// and not the connection or a deadline.
fn is_by_request(record: &AttemptRecord) -> bool {
    matches!(record.fault, Some(Fault::Upstream(_) | Fault::Malformed(_) | Fault::TooLarge(_)))
}
