use http::{Request, Response, StatusCode};

use super::{Estimate, Key, Pricing, Reservation, Spend};
use crate::{
    Dialect, Exchange, Rejected, Target,
    body::BodyEnd,
    exchange::{AttemptRecord, Usage},
    sse::is_event_stream,
};

/// A request on its way, with what is reserved for it. Moves from the future into the body; it is
/// settled when it is dropped, which has to be after the body or future that it came with.
pub(super) struct PendingCharge<K: Key, P: Pricing> {
    reservation: Option<Reservation<K>>,
    bill: Bill<P>,
    exchange: Exchange,
    /// The number of attempts that were begun before.
    earlier: u64,
    /// Whether an observer understands the answer.
    is_understood: bool,
    head: Option<Head>,
    end: BodyEnd,
}

/// What is known of an answer by its head.
#[derive(Clone, Copy)]
struct Head {
    is_success: bool,
    is_rejected: bool,
    is_events: bool,
}

/// What was reserved, and what tokens cost.
pub(super) struct Bill<P> {
    pub(super) pricing: P,
    pub(super) estimate: Estimate,
}

/// How much a request comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Charge {
    /// No request was sent.
    Nothing,
    /// It was asked, and not answered.
    Request,
    /// So many tokens.
    Used(Usage),
    /// There is nothing better than what was reserved.
    Estimate,
}

impl<P: Pricing> Bill<P> {
    /// What to reserve.
    pub(super) fn reserved(&self) -> Spend {
        self.spend(None, &self.estimate.usage(self.estimate.answer))
    }

    fn spend(&self, target: Option<&Target>, usage: &Usage) -> Spend {
        let money = self.pricing.price(target, self.estimate.model.as_deref(), usage);
        Spend { requests: 1, tokens: usage.total(), money }
    }
}

impl<K: Key, P: Pricing> PendingCharge<K, P> {
    pub(super) fn new<B>(
        reservation: Reservation<K>,
        bill: Bill<P>,
        request: &mut Request<B>,
    ) -> Self {
        let dialect = Dialect::of_path(request.uri().path());
        let extensions = request.extensions_mut();
        let exchange = extensions.get_or_insert_default::<Exchange>().clone();
        Self {
            reservation: Some(reservation),
            bill,
            earlier: exchange.attempts(),
            exchange,
            is_understood: dialect.or(extensions.get().copied()).is_some(),
            head: None,
            end: BodyEnd::Dropped,
        }
    }

    pub(super) fn head<B>(&mut self, response: &Response<B>) {
        self.head = Some(Head {
            is_success: response.status().is_success(),
            is_rejected: response.extensions().get::<Rejected>().is_some(),
            is_events: is_event_stream(response.headers()),
        });
    }

    /// How it ends, when it is dropped.
    pub(super) fn ends(&mut self, end: BodyEnd) {
        self.end = end;
    }

    fn actual(&self) -> Spend {
        if self.exchange.attempts() == self.earlier {
            return self.spend(self.unobserved(), None);
        }
        let read = |record: &AttemptRecord| (self.observed(record), record.target.clone());
        let (charge, target) = self.exchange.read(read);
        self.spend(charge, target.as_ref())
    }

    fn spend(&self, charge: Charge, target: Option<&Target>) -> Spend {
        match charge {
            Charge::Nothing => Spend::NOTHING,
            Charge::Request => Spend { requests: 1, ..Spend::NOTHING },
            Charge::Used(usage) => self.bill.spend(target, &usage),
            Charge::Estimate => {
                let estimate = &self.bill.estimate;
                self.bill.spend(target, &estimate.usage(estimate.answer))
            }
        }
    }

    /// Without an observer, or without an attempt.
    fn unobserved(&self) -> Charge {
        match self.head {
            Some(Head { is_rejected: true, .. }) => Charge::Nothing,
            Some(Head { is_success: true, .. }) => Charge::Estimate,
            None if self.end == BodyEnd::Dropped => Charge::Nothing,
            _ => Charge::Request,
        }
    }

    /// By what is known of the last attempt.
    fn observed(&self, record: &AttemptRecord) -> Charge {
        if let Some(usage) = record.usage {
            return Charge::Used(usage);
        }
        let is_refused = self.head.is_some_and(|head| !head.is_success);
        let is_events = self.head.is_some_and(|head| head.is_events);
        let was_cut = self.end != BodyEnd::Complete || record.fault.is_some();
        match record.status {
            _ if is_refused => Charge::Request,
            // A client that disconnects before the head leaves behind a provider that was reading.
            None if self.end == BodyEnd::Dropped => self.seen(0),
            None => Charge::Request,
            Some(status) if !StatusCode::is_success(&status) => Charge::Request,
            Some(_) if self.is_understood && (is_events || was_cut) => self.seen(record.pieces),
            Some(_) => Charge::Estimate,
        }
    }

    /// As if each piece were a token.
    fn seen(&self, pieces: u64) -> Charge {
        Charge::Used(self.bill.estimate.usage(pieces))
    }
}

impl<K: Key, P: Pricing> Drop for PendingCharge<K, P> {
    fn drop(&mut self) {
        let Some(reservation) = self.reservation.take() else { return };
        let now = reservation.now();
        reservation.settle(self.actual(), now);
    }
}
