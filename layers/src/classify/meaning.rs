use std::time::{Duration, SystemTime};

use http::{Response, StatusCode};

use super::{DeadlineError, TransportError, retry_after};
use crate::{
    Rejected,
    exchange::{Outcome, UpstreamError},
};

/// What an attempt's answer means, by its head and, for an error, what its body said.
///
/// | | [retry](Self::may_be_retried) | [failover](Self::fails_over) | [breaker](Self::outcome) |
/// |---|---|---|---|
/// | [`Transport`](Self::Transport), [`Unavailable`](Self::Unavailable) | yes | yes | fault |
/// | [`Deadline`](Self::Deadline), [`Broken`](Self::Broken) | no | yes | fault |
/// | [`RateLimited`](Self::RateLimited) | after the wait, if it fits | yes | neutral |
/// | [`Exhausted`](Self::Exhausted), [`Refused`](Self::Refused), [`UnknownModel`](Self::UnknownModel), [`ContextLength`](Self::ContextLength) | no | yes | neutral |
/// | [`ClientError`](Self::ClientError) | no | no | neutral |
/// | [`Rejected`](Self::Rejected) | no | yes | not counted |
/// | [`Good`](Self::Good) | no | no | settled when the body ends |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meaning {
    /// A success, as far as the head tells.
    Good,
    /// No answer came.
    Transport,
    /// 500, 502, 503 or 504.
    Unavailable,
    /// A deadline passed before the head.
    Deadline,
    /// Another 5xx, or what is no answer at all: a redirect, an upgrade; also a body that breaks.
    Broken,
    /// 429, and how long to wait where that is known.
    RateLimited(Option<Duration>),
    /// 402, or 429 with `insufficient_quota`: nothing is left to spend.
    Exhausted,
    /// 401 or 403: the provider does not take the key.
    Refused,
    /// 404, or a 400 that says that there is no such model.
    UnknownModel,
    /// The prompt is too long for this model.
    ContextLength,
    /// Every other 4xx: the request is wrong, and would be so elsewhere.
    ClientError,
    /// An inner layer's rejection: nothing was sent.
    Rejected,
}

impl Meaning {
    /// What a response means; `error` is what an error's body said, as far as it was read, and
    /// `now` is what a `Retry-After` date is compared with.
    pub fn of<B>(
        response: &Response<B>,
        error: Option<&UpstreamError>,
        now: impl FnOnce() -> SystemTime,
    ) -> Self {
        let extensions = response.extensions();
        if extensions.get::<Rejected>().is_some() {
            Self::Rejected
        } else if extensions.get::<DeadlineError>().is_some() {
            Self::Deadline
        } else if extensions.get::<TransportError>().is_some() {
            Self::Transport
        } else {
            let wait = || retry_after(response.headers(), now());
            Self::of_status(response.status(), error.unwrap_or(&UpstreamError::default()), wait)
        }
    }

    fn of_status(
        status: StatusCode,
        error: &UpstreamError,
        wait: impl FnOnce() -> Option<Duration>,
    ) -> Self {
        match status.as_u16() {
            200..=299 => Self::Good,
            500 | 502..=504 => Self::Unavailable,
            402 => Self::Exhausted,
            429 if error.names("insufficient_quota") => Self::Exhausted,
            429 => Self::RateLimited(wait()),
            _ if error.is_context_length() && status.is_client_error() => Self::ContextLength,
            401 | 403 => Self::Refused,
            404 => Self::UnknownModel,
            400 if error.is_unknown_model() => Self::UnknownModel,
            400..=499 => Self::ClientError,
            _ => Self::Broken,
        }
    }

    /// A word for it, for logs and counts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Transport => "transport",
            Self::Unavailable => "unavailable",
            Self::Deadline => "deadline",
            Self::Broken => "broken",
            Self::RateLimited(_) => "rate_limited",
            Self::Exhausted => "exhausted",
            Self::Refused => "refused",
            Self::UnknownModel => "unknown_model",
            Self::ContextLength => "context_length",
            Self::ClientError => "client_error",
            Self::Rejected => "rejected",
        }
    }

    /// Whether another attempt at the same target may do better.
    pub fn may_be_retried(self) -> bool {
        matches!(self, Self::Transport | Self::Unavailable | Self::RateLimited(_))
    }

    /// Whether another target may do better.
    pub fn fails_over(self) -> bool {
        !matches!(self, Self::Good | Self::ClientError)
    }

    /// What a breaker should count; `None` when that is not known yet, or nothing was attempted.
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Good | Self::Rejected => None,
            Self::Transport | Self::Unavailable | Self::Deadline | Self::Broken => {
                Some(Outcome::Fault)
            }
            _ => Some(Outcome::Neutral),
        }
    }
}

impl UpstreamError {
    /// Whether its code or type is this.
    fn names(&self, name: &str) -> bool {
        [&self.code, &self.kind].into_iter().flatten().any(|said| &**said == name)
    }

    fn says(&self, needles: &[&str]) -> bool {
        let message = self.message.as_deref().unwrap_or_default().to_lowercase();
        needles.iter().any(|needle| message.contains(needle))
    }

    fn is_context_length(&self) -> bool {
        self.names("context_length_exceeded")
            || self.says(&["context length", "context window", "prompt is too long"])
    }

    fn is_unknown_model(&self) -> bool {
        self.names("model_not_found")
            || self.says(&["model"])
                && self.says(&[
                    "not exist",
                    "not found",
                    "not a valid model",
                    "unknown model",
                    "invalid model",
                    "no such model",
                ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Code, Rejection,
        classify::{Deadline, TransportErrorKind},
    };

    fn meaning(status: u16, code: &str, message: &str) -> Meaning {
        let response = Response::builder().status(status).header("retry-after", "7").body(());
        let error = UpstreamError {
            code: Some(code.into()),
            message: Some(message.into()),
            ..UpstreamError::default()
        };
        Meaning::of(&response.unwrap(), Some(&error), || SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn every_status_of_the_table() {
        let seven = Some(Duration::from_secs(7));
        for (status, code, message, expected) in [
            (200, "", "", Meaning::Good),
            (204, "", "", Meaning::Good),
            (101, "", "", Meaning::Broken),
            (302, "", "", Meaning::Broken),
            (400, "", "messages is required", Meaning::ClientError),
            (400, "", "Model Not Exist", Meaning::UnknownModel),
            (400, "model_not_found", "", Meaning::UnknownModel),
            (400, "", "foo is not a valid model ID", Meaning::UnknownModel),
            (400, "", "file not found", Meaning::ClientError),
            (400, "context_length_exceeded", "", Meaning::ContextLength),
            (400, "", "This model's maximum context length is 8 tokens", Meaning::ContextLength),
            (413, "", "prompt is too long", Meaning::ContextLength),
            (413, "", "", Meaning::ClientError),
            (401, "", "", Meaning::Refused),
            (402, "", "Insufficient Balance", Meaning::Exhausted),
            (403, "", "", Meaning::Refused),
            (404, "", "", Meaning::UnknownModel),
            (408, "", "", Meaning::ClientError),
            (409, "", "", Meaning::ClientError),
            (422, "", "", Meaning::ClientError),
            (429, "rate_limit_exceeded", "", Meaning::RateLimited(seven)),
            (429, "insufficient_quota", "", Meaning::Exhausted),
            (500, "", "", Meaning::Unavailable),
            (501, "", "", Meaning::Broken),
            (502, "", "", Meaning::Unavailable),
            (503, "", "", Meaning::Unavailable),
            (504, "", "", Meaning::Unavailable),
            (529, "", "", Meaning::Broken),
        ] {
            assert_eq!(meaning(status, code, message), expected, "{status} {code} {message}");
        }
    }

    #[test]
    fn marks_come_before_the_status() {
        let now = || SystemTime::UNIX_EPOCH;
        let rejected = Rejection::new(Code::RateLimited, "no").into_response::<bytes::Bytes>();
        assert_eq!(Meaning::of(&rejected, None, now), Meaning::Rejected);
        let cause = TransportError::new(TransportErrorKind::Connect, "refused");
        let failed =
            Rejection::new(Code::ProviderError, "no").into_failure::<bytes::Bytes, _>(cause);
        assert_eq!(Meaning::of(&failed, None, now), Meaning::Transport);
        let mut late = Response::builder().status(504).body(()).unwrap();
        late.extensions_mut().insert(DeadlineError { which: Deadline::Headers, limit: None });
        assert_eq!(Meaning::of(&late, None, now), Meaning::Deadline);
    }

    #[test]
    fn what_follows_from_each() {
        use Meaning::*;
        for (meaning, retry, failover, outcome) in [
            (Good, false, false, None),
            (Transport, true, true, Some(Outcome::Fault)),
            (Unavailable, true, true, Some(Outcome::Fault)),
            (Deadline, false, true, Some(Outcome::Fault)),
            (Broken, false, true, Some(Outcome::Fault)),
            (RateLimited(None), true, true, Some(Outcome::Neutral)),
            (Exhausted, false, true, Some(Outcome::Neutral)),
            (Refused, false, true, Some(Outcome::Neutral)),
            (UnknownModel, false, true, Some(Outcome::Neutral)),
            (ContextLength, false, true, Some(Outcome::Neutral)),
            (ClientError, false, false, Some(Outcome::Neutral)),
            (Rejected, false, true, None),
        ] {
            assert_eq!(meaning.may_be_retried(), retry, "{meaning:?}");
            assert_eq!(meaning.fails_over(), failover, "{meaning:?}");
            assert_eq!(meaning.outcome(), outcome, "{meaning:?}");
        }
    }
}
