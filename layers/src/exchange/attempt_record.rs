use std::{borrow::Cow, fmt, time::Duration};

use http::StatusCode;
use tokio::time::Instant;

use crate::{
    Target,
    body::BodyEnd,
    classify::{DeadlineError, ResponseClass},
};

/// The record of the current attempt.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// The attempt's target, if a router chose one.
    pub target: Option<Target>,
    /// The status of the head, once it came.
    pub status: Option<StatusCode>,
    /// Whether content was seen: non-empty text, reasoning, refusal or tool-call delta, or a
    /// finish reason.
    pub content: bool,
    /// Time of the first content; of a JSON answer, when that was whole.
    pub content_at: Option<Instant>,
    /// Number of events with content, once the body has ended: the nearest there is to a count of
    /// output tokens when a stream was cut before its usage came.
    pub pieces: u64,
    /// The finish reason. An answer without one is not whole, and one with it is, whatever becomes
    /// of the connection.
    pub finish: Option<Finish>,
    /// The model that the provider says answered.
    pub model: Option<Box<str>>,
    /// The tokens that the provider says were used.
    pub usage: Option<Usage>,
    /// Events of a stream that were not JSON of the expected shape, whether they were skipped or
    /// broke the stream.
    pub malformed: u64,
    /// Of a Responses stream: its response's id, and the last event's sequence number.
    pub response: Option<(Box<str>, u64)>,
    /// The parsed error of a 4xx or 5xx, once its body has passed.
    pub error: Option<UpstreamError>,
    /// The fault that broke the answer, if any.
    pub fault: Option<Fault>,
    /// The end of the body; `None` while it is still being read.
    pub end: Option<BodyEnd>,
}

impl AttemptRecord {
    /// The attempt's outcome; `None` while its body is still being read.
    ///
    /// An error counts by its [meaning](ResponseClass::outcome), and so does one under a success. A fault
    /// is a fault, however the body ended. A reader that goes away after the finish
    /// reason has seen the whole answer; before it, the attempt is cancelled.
    pub fn outcome(&self) -> Option<Outcome> {
        let end = self.end?;
        let status = self.status.unwrap_or(StatusCode::OK);
        if !status.is_success() {
            let outcome = ResponseClass::of_answer(status, self.error.as_ref()).outcome();
            let is_known = self.fault.is_some() || outcome != Some(Outcome::Neutral);
            return match end {
                BodyEnd::Dropped if !is_known => Some(Outcome::Cancelled),
                _ => outcome,
            };
        }
        let is_known = self.fault.is_some() || self.finish.is_some();
        Some(match (end, &self.fault) {
            (BodyEnd::Dropped, _) if !is_known => Outcome::Cancelled,
            (_, Some(Fault::Upstream(error))) => {
                ResponseClass::of_fault(error).outcome().unwrap_or(Outcome::Fault)
            }
            (_, Some(_)) | (BodyEnd::Error, None) => Outcome::Fault,
            _ => Outcome::Success,
        })
    }
}

/// Outcome of an attempt, settled when its body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A whole answer.
    Success,
    /// The provider's failure: transport, 5xx, a redirect, or a broken answer.
    Fault,
    /// The provider is well but did not answer the question: most of the 4xx.
    Neutral,
    /// The client went away first.
    Cancelled,
}

/// Finish reason, in the words of Chat Completions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Finish {
    /// A natural end.
    Stop,
    /// Out of output tokens.
    Length,
    /// It wants tools to be called.
    ToolCalls,
    /// Held back by a filter.
    ContentFilter,
    /// Another word of the provider's.
    Other(Box<str>),
}

impl Finish {
    /// Parses a `finish_reason`.
    pub fn from_reason(reason: &str) -> Self {
        match reason {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "tool_calls" | "function_call" => Self::ToolCalls,
            "content_filter" => Self::ContentFilter,
            other => Self::Other(other.into()),
        }
    }
}

/// Tokens of one answer. A detail that the provider did not give is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub input: u64,
    /// Prompt tokens that came from the provider's cache.
    pub cached_input: u64,
    /// Tokens of the answer, reasoning included.
    pub output: u64,
    /// Tokens of the reasoning.
    pub reasoning: u64,
}

impl Usage {
    /// Input and output tokens.
    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

/// Fault that broke an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The transport failed in the middle of the body.
    Transport(Box<str>),
    /// The provider sent an error event or an error object under a success status.
    Upstream(UpstreamError),
    /// An event or a body that is not JSON, or has not the shape of an answer.
    Malformed(Cow<'static, str>),
    /// The body ended without a finish reason, however cleanly.
    Unfinished,
    /// An event or a JSON body over the cap, in bytes.
    TooLarge(usize),
    /// A deadline passed, and the attempt was given up.
    Deadline(DeadlineError),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(what) => write!(f, "the connection broke: {what}"),
            Self::Upstream(error) => error.fmt(f),
            Self::Malformed(what) => f.write_str(what),
            Self::Unfinished => f.write_str("the answer ended without a finish reason"),
            Self::TooLarge(cap) => write!(f, "more than {cap} bytes in one piece"),
            Self::Deadline(passed) => passed.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

/// An error in a provider's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamError {
    /// The error's `code`; a number is given as text.
    pub code: Option<Box<str>>,
    /// The error's `type`.
    pub kind: Option<Box<str>>,
    /// The error's `message`.
    pub message: Option<Box<str>>,
    /// Further labels of the error: a status word, reasons, inner codes and types.
    pub labels: Vec<Box<str>>,
    /// The wait that the error's body asks for.
    pub retry_after: Option<Duration>,
    /// Its class, once it was classified; the `observe` layer knows a provider's own
    /// [rules](crate::classify::ErrorRules).
    pub meaning: Option<ResponseClass>,
}

impl UpstreamError {
    /// The status that an error under a success says it has.
    pub(crate) fn status_inside(&self) -> Option<StatusCode> {
        let names = self.code.iter().chain(&self.labels);
        let statuses = names.filter_map(|name| name.parse::<u16>().ok());
        let mut statuses = statuses.filter(|status| (400..600).contains(status));
        statuses.next().and_then(|status| StatusCode::from_u16(status).ok())
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.as_deref().or(self.kind.as_deref()), self.message.as_deref()) {
            (Some(code), Some(message)) => write!(f, "{code}: {message}"),
            (Some(one), None) | (None, Some(one)) => f.write_str(one),
            (None, None) => f.write_str("an error without a message"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_waits_for_the_end() {
        let record = AttemptRecord { fault: Some(Fault::Unfinished), ..AttemptRecord::default() };
        assert_eq!(record.outcome(), None);
    }

    #[test]
    fn the_outcome_follows_from_status_fault_and_end() {
        let stop = Some(Finish::Stop);
        let table = [
            (200, None, stop.clone(), BodyEnd::Complete, Outcome::Success),
            (200, None, stop.clone(), BodyEnd::Dropped, Outcome::Success),
            (200, None, None, BodyEnd::Dropped, Outcome::Cancelled),
            (200, None, stop, BodyEnd::Error, Outcome::Fault),
            (200, Some(Fault::Unfinished), None, BodyEnd::Complete, Outcome::Fault),
            (200, Some(Fault::Unfinished), None, BodyEnd::Dropped, Outcome::Fault),
            (503, None, None, BodyEnd::Complete, Outcome::Fault),
            (429, None, None, BodyEnd::Complete, Outcome::Neutral),
            (400, None, None, BodyEnd::Dropped, Outcome::Cancelled),
            (400, Some(Fault::Transport("cut".into())), None, BodyEnd::Error, Outcome::Neutral),
            (302, None, None, BodyEnd::Complete, Outcome::Fault),
            (408, None, None, BodyEnd::Complete, Outcome::Fault),
            (529, None, None, BodyEnd::Dropped, Outcome::Fault),
        ];
        for (status, fault, finish, end, outcome) in table {
            let status = StatusCode::from_u16(status).ok();
            let record =
                AttemptRecord { status, fault, finish, end: Some(end), ..AttemptRecord::default() };
            assert_eq!(record.outcome(), Some(outcome), "{record:?}");
        }
    }

    #[test]
    fn what_an_error_said_counts() {
        for (status, code, outcome) in [
            (500, "insufficient_quota", Outcome::Neutral),
            (500, "oops", Outcome::Fault),
            (400, "overloaded_error", Outcome::Fault),
        ] {
            let error = UpstreamError { code: Some(code.into()), ..UpstreamError::default() };
            let status = StatusCode::from_u16(status).ok();
            let end = Some(BodyEnd::Complete);
            let record = AttemptRecord {
                status,
                end,
                error: Some(error.clone()),
                ..AttemptRecord::default()
            };
            assert_eq!(record.outcome(), Some(outcome), "{record:?}");
            let fault = Some(Fault::Upstream(error));
            let record = AttemptRecord { fault, end, ..AttemptRecord::default() };
            assert_eq!(record.outcome(), Some(outcome), "{record:?}");
        }
    }
}
