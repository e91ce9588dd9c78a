//! Late facts: what is only known when an answer's body has passed.
//!
//! An [`Exchange`] is a shared handle in the request's extensions. One body, that of the `observe`
//! layer, writes to it; retry, breaker, commit, ledgers and metrics read it. No other layer frames
//! the stream a second time.
//!
//! The [`RequestRecord`] is what the router adds: the plan, and which targets gave no answer and why.

mod attempt_record;
mod recorder;
mod request_record;

pub use attempt_record::{AttemptRecord, Fault, Finish, Outcome, UpstreamError, Usage};
pub use recorder::{Exchange, Recorder};
pub use request_record::{Cause, Failure, RequestRecord};
