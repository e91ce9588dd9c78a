use std::time::SystemTime;

use http::{Request, Response};

use super::permit::Permit;
use crate::{
    Exchange,
    body::BodyEnd,
    classify::Meaning,
    exchange::{Facts, Outcome},
};

/// One call on its way. Moves from the future into the body; dropped in between, the call was
/// cancelled.
#[derive(Debug)]
pub(super) struct Watch {
    permit: Permit,
    /// The number of attempts that were begun before this one.
    earlier: u64,
    /// The exchange and the number of this attempt, if its answer is observed.
    observed: Option<(Exchange, u64)>,
}

impl Watch {
    pub(super) fn start<B>(permit: Permit, request: &Request<B>) -> Self {
        let exchange = request.extensions().get::<Exchange>();
        Self { permit, earlier: exchange.map_or(0, Exchange::attempts), observed: None }
    }

    /// The head has come: the rest, if the outcome is not settled yet.
    pub(super) fn head<B>(mut self, response: &Response<B>) -> Option<Self> {
        let meaning = Meaning::of(response, None, SystemTime::now);
        if meaning == Meaning::Good {
            let exchange = response.extensions().get::<Exchange>();
            let attempt = exchange.map(|exchange| (exchange.clone(), exchange.attempts()));
            self.observed = attempt.filter(|&(_, number)| number > self.earlier);
            return Some(self);
        }
        if let Some(outcome) = meaning.outcome() {
            self.permit.settle(outcome);
        }
        None
    }

    /// The call itself failed.
    pub(super) fn failed(self) {
        self.permit.settle(Outcome::Fault);
    }

    /// The body has ended, and is gone if it was dropped.
    pub(super) fn end(self, end: BodyEnd) {
        let observed = || {
            let (exchange, attempt) = self.observed.as_ref()?;
            let outcome = exchange.read(Facts::outcome)?;
            // Afterwards: if no other attempt has begun by now, these were this one's facts.
            (exchange.attempts() == *attempt).then_some(outcome)
        };
        let outcome = match end {
            BodyEnd::Error => Outcome::Fault,
            BodyEnd::Complete => observed().unwrap_or(Outcome::Success),
            BodyEnd::Dropped => observed().unwrap_or(Outcome::Cancelled),
        };
        self.permit.settle(outcome);
    }
}
