use std::sync::Arc;

use http::StatusCode;
use parking_lot::Mutex;

use super::{AttemptRecord, Fault, RequestRecord};
use crate::{body::BodyEnd, classify::RetryAllowance};

/// A shared handle to what is learnt about an answer while its body passes.
///
/// Put one into a request's extensions and keep a clone to read the late facts; the `observe`
/// layer makes its own when it finds none. Each attempt starts a fresh set of facts, and a body
/// left over from an earlier attempt can no longer write.
///
/// ```
/// use switchtower_layers::Exchange;
///
/// let exchange = Exchange::default();
/// let recorder = exchange.begin();
/// recorder.update(|record| record.content = true);
/// assert!(exchange.record().content);
///
/// exchange.begin();
/// recorder.update(|record| record.content = true);
/// assert!(!exchange.record().content, "another attempt has begun");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Exchange(Arc<Mutex<ExchangeState>>);

#[derive(Debug, Default)]
struct ExchangeState {
    attempt: u64,
    record: AttemptRecord,
    request_record: RequestRecord,
    /// Hash of the request's body, if a router has set it.
    request: Option<u64>,
    /// Keys of those that have counted a fault of this request.
    charged: Vec<usize>,
    allowance: RetryAllowance,
}

impl Exchange {
    /// Starts a new attempt: the facts are empty again, and only the returned recorder may write.
    pub fn begin(&self) -> Recorder {
        let mut state = self.0.lock();
        state.attempt += 1;
        state.record = AttemptRecord::default();
        Recorder { exchange: self.clone(), attempt: state.attempt }
    }

    /// A copy of what is known of the current attempt.
    pub fn record(&self) -> AttemptRecord {
        self.0.lock().record.clone()
    }

    /// Reads one thing of the current attempt without copying the rest.
    pub fn read<T>(&self, f: impl FnOnce(&AttemptRecord) -> T) -> T {
        f(&self.0.lock().record)
    }

    /// Number of attempts so far: the number of the current one.
    pub fn attempts(&self) -> u64 {
        self.0.lock().attempt
    }

    /// Reads what became of the request as a whole.
    pub fn read_course<T>(&self, f: impl FnOnce(&RequestRecord) -> T) -> T {
        f(&self.0.lock().request_record)
    }

    /// For a router: updates the record of the request as a whole.
    pub fn update_request_record<T>(&self, f: impl FnOnce(&mut RequestRecord) -> T) -> T {
        f(&mut self.0.lock().request_record)
    }

    /// For a router: sets the hash that identifies repeats of the request, such as
    /// [`Buffered::fingerprint`](crate::Buffered::fingerprint).
    pub fn set_request(&self, fingerprint: u64) {
        self.0.lock().request = Some(fingerprint);
    }

    /// Hash of the request's body, if a router has set it.
    pub fn request(&self) -> Option<u64> {
        self.0.lock().request
    }

    /// For a router: sets the number of retries that the next attempt may use.
    pub fn allow_retries(&self, allowance: RetryAllowance) {
        self.0.lock().allowance = allowance;
    }

    /// The number of retries of its target that the request may use.
    pub fn retry_allowance(&self) -> RetryAllowance {
        self.0.lock().allowance
    }

    /// For a counter of faults such as a circuit: returns whether this is the request's first fault
    /// that is counted under `key`. All attempts of a request count once.
    pub fn charge(&self, key: usize) -> bool {
        let charged = &mut self.0.lock().charged;
        let is_first = !charged.contains(&key);
        if is_first {
            charged.push(key);
        }
        is_first
    }

    /// For a layer that ends an attempt without being its observer: records the fault. The first
    /// fault stays, once a later attempt has begun this one can no longer be written to, and an
    /// answer with a finish reason is whole all the same.
    pub fn fail_attempt(&self, attempt: u64, fault: Fault) {
        let mut state = self.0.lock();
        if state.attempt == attempt && state.record.finish.is_none() {
            state.record.fault.get_or_insert(fault);
        }
    }
}

/// The right to write the facts of one attempt.
#[derive(Debug)]
pub struct Recorder {
    exchange: Exchange,
    attempt: u64,
}

impl Recorder {
    /// Writes to the facts, unless a later attempt has begun.
    pub fn update(&self, f: impl FnOnce(&mut AttemptRecord)) {
        let mut state = self.exchange.0.lock();
        if state.attempt == self.attempt {
            f(&mut state.record);
        }
    }

    /// The head has come.
    pub fn head(&self, status: StatusCode) {
        self.update(|record| record.status = Some(status));
    }

    /// Something broke the answer. The first fault stays.
    pub fn fault(&self, fault: Fault) {
        self.update(|record| {
            record.fault.get_or_insert(fault);
        });
    }

    /// The body has ended. The first end stays.
    pub fn end(&self, end: BodyEnd) {
        self.update(|record| {
            record.end.get_or_insert(end);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Finish;

    #[test]
    fn the_first_fault_and_the_first_end_stay() {
        let exchange = Exchange::default();
        let recorder = exchange.begin();
        recorder.fault(Fault::Unfinished);
        recorder.fault(Fault::TooLarge(1));
        recorder.end(BodyEnd::Error);
        recorder.end(BodyEnd::Dropped);
        let record = exchange.record();
        assert_eq!(record.fault, Some(Fault::Unfinished));
        assert_eq!(record.end, Some(BodyEnd::Error));
        assert_eq!(exchange.attempts(), 1);
    }

    #[test]
    fn only_the_current_attempt_is_given_up() {
        let exchange = Exchange::default();
        let _recorder = exchange.begin();
        exchange.fail_attempt(0, Fault::Unfinished);
        assert_eq!(exchange.record().fault, None);
        exchange.fail_attempt(1, Fault::TooLarge(1));
        exchange.fail_attempt(1, Fault::Unfinished);
        assert_eq!(exchange.record().fault, Some(Fault::TooLarge(1)));
    }

    #[test]
    fn a_finished_answer_is_not_given_up() {
        let exchange = Exchange::default();
        exchange.begin().update(|record| record.finish = Some(Finish::Stop));
        exchange.fail_attempt(1, Fault::Unfinished);
        assert_eq!(exchange.record().fault, None);
    }

    #[test]
    fn a_request_is_charged_once_per_key() {
        let exchange = Exchange::default();
        assert_eq!([1, 1, 2, 1].map(|key| exchange.charge(key)), [true, false, true, false]);
        assert!(Exchange::default().charge(1), "another request");
    }

    #[test]
    fn handles_cross_threads() {
        static_assertions::assert_impl_all!(Exchange: Send, Sync, Clone);
        static_assertions::assert_impl_all!(Recorder: Send, Sync);
    }
}
