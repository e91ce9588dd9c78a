use std::time::{Duration, SystemTime};

use http::{Response, StatusCode};

use super::{DeadlineError, ErrorRules, TransportError, retry_after};
use crate::{
    Rejected,
    exchange::{Outcome, UpstreamError},
};

/// Class of an attempt's answer, by its head and, for an error, its body.
///
/// The built-in [rules](super::ErrorRules) choose it by status, code, type and message.
///
/// | | [retry](Self::may_be_retried) | [failover](Self::fails_over) | [breaker](Self::outcome) |
/// |---|---|---|---|
/// | [`Transport`](Self::Transport), [`Unavailable`](Self::Unavailable), [`Overloaded`](Self::Overloaded) | yes | yes | fault |
/// | [`Deadline`](Self::Deadline), [`Broken`](Self::Broken) | no | yes | fault |
/// | [`RateLimited`](Self::RateLimited) | after the wait, if it fits | yes | neutral |
/// | [`Exhausted`](Self::Exhausted), [`Refused`](Self::Refused), [`Restricted`](Self::Restricted), [`UnknownModel`](Self::UnknownModel), [`ContextLength`](Self::ContextLength), [`Proxy`](Self::Proxy) | no | yes | neutral |
/// | [`ClientError`](Self::ClientError) | no | no | neutral |
/// | [`Rejected`](Self::Rejected) | no | yes | not counted |
/// | [`Good`](Self::Good) | no | no | settled when the body ends |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseClass {
    /// A success, judging by the head.
    Good,
    /// No answer came.
    Transport,
    /// 500, 502, 503 or 504.
    Unavailable,
    /// Too busy for the moment, or out of capacity: 408, 409, 424, 498 and 529, or another status
    /// with words of overload.
    Overloaded,
    /// A deadline passed before the head.
    Deadline,
    /// Another 5xx, or what is no answer at all: a redirect, an upgrade; also a body that breaks.
    Broken,
    /// The provider's limit on requests or tokens, and how long to wait where that is known.
    RateLimited(Option<Duration>),
    /// Nothing is left to spend: the account, a plan or a budget is used up.
    Exhausted,
    /// The provider does not take the key, or the account.
    Refused,
    /// The region, or a policy of the account or the provider, forbids it.
    Restricted,
    /// The model is unknown, gone, or not for this account.
    UnknownModel,
    /// The prompt is too long for this model, or the request too large for this provider.
    ContextLength,
    /// A page in place of an error: a proxy in front of the provider has refused the request.
    Proxy,
    /// The request is wrong, and would be so elsewhere.
    ClientError,
    /// An inner layer's rejection: nothing was sent.
    Rejected,
}

impl ResponseClass {
    /// The classes that an [`ErrorRule`](super::ErrorRule) may assign.
    pub const OF_ERRORS: [Self; 11] = [
        Self::RateLimited(None),
        Self::Exhausted,
        Self::Refused,
        Self::Restricted,
        Self::UnknownModel,
        Self::ContextLength,
        Self::Overloaded,
        Self::Unavailable,
        Self::Broken,
        Self::Proxy,
        Self::ClientError,
    ];

    /// Classifies a response; `error` is the parsed error body, as far as it was read, and `now` is
    /// what a `Retry-After` date is compared with. An error that was classified already means what
    /// [was found](UpstreamError::meaning) then.
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
            match Self::of_answer(response.status(), error) {
                Self::RateLimited(said) => {
                    // The longest wait that is known.
                    Self::RateLimited(retry_after(response.headers(), now()).max(said))
                }
                other => other,
            }
        }
    }

    /// Classifies an answer by its status and error, without its headers.
    pub fn of_answer(status: StatusCode, error: Option<&UpstreamError>) -> Self {
        if status.is_success() {
            return Self::Good;
        }
        if !status.is_client_error() && !status.is_server_error() {
            return Self::Broken;
        }
        let none = UpstreamError::default();
        let error = error.unwrap_or(&none);
        let meaning =
            error.meaning.unwrap_or_else(|| ErrorRules::default().classify(Some(status), error));
        meaning.with_wait(error)
    }

    /// Classifies an error under a success. What a client would have done wrong cannot be passed on
    /// as it came, so that it counts as a broken answer.
    pub fn of_fault(error: &UpstreamError) -> Self {
        let found = || ErrorRules::default().classify(error.status_inside(), error);
        match error.meaning.unwrap_or_else(found) {
            Self::ClientError => Self::Broken,
            meaning => meaning.with_wait(error),
        }
    }

    fn with_wait(self, error: &UpstreamError) -> Self {
        match self {
            Self::RateLimited(wait) => Self::RateLimited(wait.max(error.retry_after)),
            other => other,
        }
    }

    /// The meaning of an error that has this [name](Self::as_str).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::OF_ERRORS.into_iter().find(|meaning| meaning.as_str() == name)
    }

    /// A word for it, for logs, counts and rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Transport => "transport",
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::Deadline => "deadline",
            Self::Broken => "broken",
            Self::RateLimited(_) => "rate_limited",
            Self::Exhausted => "exhausted",
            Self::Refused => "refused",
            Self::Restricted => "restricted",
            Self::UnknownModel => "unknown_model",
            Self::ContextLength => "context_length",
            Self::Proxy => "proxy",
            Self::ClientError => "client_error",
            Self::Rejected => "rejected",
        }
    }

    /// Whether another attempt at the same target may do better.
    pub fn may_be_retried(self) -> bool {
        matches!(
            self,
            Self::Transport | Self::Unavailable | Self::Overloaded | Self::RateLimited(_)
        )
    }

    /// Whether another target may do better.
    pub fn fails_over(self) -> bool {
        !matches!(self, Self::Good | Self::ClientError)
    }

    /// The outcome that a circuit breaker counts; `None` when that is not known yet, or nothing was
    /// attempted.
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Good | Self::Rejected => None,
            Self::Transport
            | Self::Unavailable
            | Self::Overloaded
            | Self::Deadline
            | Self::Broken => Some(Outcome::Fault),
            _ => Some(Outcome::Neutral),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Code, Rejection,
        classify::{Deadline, TransportErrorKind},
    };

    fn meaning(status: u16, code: &str, message: &str) -> ResponseClass {
        let response = Response::builder().status(status).header("retry-after", "7").body(());
        let error = UpstreamError {
            code: Some(code.into()),
            message: Some(message.into()),
            ..UpstreamError::default()
        };
        ResponseClass::of(&response.unwrap(), Some(&error), || SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn every_status_of_the_table() {
        let seven = Some(Duration::from_secs(7));
        for (status, code, message, expected) in [
            (200, "", "", ResponseClass::Good),
            (204, "", "", ResponseClass::Good),
            (101, "", "", ResponseClass::Broken),
            (302, "", "", ResponseClass::Broken),
            (400, "", "messages is required", ResponseClass::ClientError),
            (400, "", "Model Not Exist", ResponseClass::UnknownModel),
            (400, "model_not_found", "", ResponseClass::UnknownModel),
            (400, "", "foo is not a valid model ID", ResponseClass::UnknownModel),
            (400, "", "file not found", ResponseClass::ClientError),
            (400, "context_length_exceeded", "", ResponseClass::ContextLength),
            (
                400,
                "",
                "This model's maximum context length is 8 tokens",
                ResponseClass::ContextLength,
            ),
            (413, "", "prompt is too long", ResponseClass::ContextLength),
            (413, "", "", ResponseClass::ContextLength),
            (401, "", "", ResponseClass::Refused),
            (402, "", "Insufficient Balance", ResponseClass::Exhausted),
            (403, "", "", ResponseClass::Refused),
            (404, "", "", ResponseClass::UnknownModel),
            (405, "", "", ResponseClass::ClientError),
            (408, "", "", ResponseClass::Overloaded),
            (409, "", "", ResponseClass::Overloaded),
            (424, "", "", ResponseClass::Overloaded),
            (422, "", "", ResponseClass::ClientError),
            (429, "rate_limit_exceeded", "", ResponseClass::RateLimited(seven)),
            (429, "insufficient_quota", "", ResponseClass::Exhausted),
            (500, "", "", ResponseClass::Unavailable),
            (501, "", "", ResponseClass::Broken),
            (502, "", "", ResponseClass::Unavailable),
            (503, "", "", ResponseClass::Unavailable),
            (504, "", "", ResponseClass::Unavailable),
            (498, "", "", ResponseClass::Overloaded),
            (520, "", "", ResponseClass::Broken),
            (529, "", "", ResponseClass::Overloaded),
        ] {
            assert_eq!(meaning(status, code, message), expected, "{status} {code} {message}");
        }
    }

    #[test]
    fn the_longest_wait_counts() {
        let seconds = |n| Some(Duration::from_secs(n));
        let wait = |header: &str, body| {
            let response = Response::builder().status(429).header("retry-after", header).body(());
            let error = UpstreamError { retry_after: body, ..UpstreamError::default() };
            match ResponseClass::of(&response.unwrap(), Some(&error), || SystemTime::UNIX_EPOCH) {
                ResponseClass::RateLimited(wait) => wait,
                other => panic!("{other:?}"),
            }
        };
        for (header, body, expected) in [
            ("7", seconds(34), seconds(34)),
            ("70", seconds(34), seconds(70)),
            ("", seconds(34), seconds(34)),
            ("7", None, seconds(7)),
            ("", None, None),
        ] {
            assert_eq!(wait(header, body), expected, "{header} {body:?}");
        }
    }

    #[test]
    fn an_error_that_was_classified_stays_so() {
        let meaning = Some(ResponseClass::Exhausted);
        let error = UpstreamError { meaning, ..UpstreamError::default() };
        assert_eq!(
            ResponseClass::of_answer(StatusCode::BAD_REQUEST, Some(&error)),
            ResponseClass::Exhausted
        );
        assert_eq!(ResponseClass::of_answer(StatusCode::OK, Some(&error)), ResponseClass::Good);
        assert_eq!(ResponseClass::of_fault(&error), ResponseClass::Exhausted);
    }

    #[test]
    fn an_error_under_a_success() {
        for (body, meaning) in [
            (r#"{"error":{"code":"insufficient_quota"}}"#, ResponseClass::Exhausted),
            (r#"{"error":{"code":429,"message":"m"}}"#, ResponseClass::RateLimited(None)),
            (
                r#"{"error":{"code":"429","message":"Please retry in 3s"}}"#,
                ResponseClass::RateLimited(Some(Duration::from_secs(3))),
            ),
            (r#"{"error":{"code":402,"message":"m"}}"#, ResponseClass::Exhausted),
            (r#"{"error":{"code":503,"message":"m"}}"#, ResponseClass::Unavailable),
            (r#"{"error":{"message":"m","type":"t","http_code":"401"}}"#, ResponseClass::Refused),
            (r#"{"error":{"code":400,"message":"messages: wrong"}}"#, ResponseClass::Broken),
            (r#"{"error":{"code":"overloaded","message":"m"}}"#, ResponseClass::Overloaded),
            (r#"{"error":{"message":"m","code":7}}"#, ResponseClass::Broken),
            (r#"{"base_resp":{"status_code":1008,"status_msg":"m"}}"#, ResponseClass::Exhausted),
        ] {
            let error = UpstreamError::read(body.as_bytes());
            assert_eq!(ResponseClass::of_fault(&error), meaning, "{body}");
        }
    }

    #[test]
    fn names_lead_back() {
        for meaning in ResponseClass::OF_ERRORS {
            assert_eq!(ResponseClass::from_name(meaning.as_str()), Some(meaning));
        }
        assert_eq!(ResponseClass::from_name("good"), None);
    }

    #[test]
    fn marks_come_before_the_status() {
        let now = || SystemTime::UNIX_EPOCH;
        let rejected = Rejection::new(Code::RateLimited, "no").into_response::<bytes::Bytes>();
        assert_eq!(ResponseClass::of(&rejected, None, now), ResponseClass::Rejected);
        let cause = TransportError::new(TransportErrorKind::Connect, "refused");
        let failed =
            Rejection::new(Code::ProviderError, "no").into_failure::<bytes::Bytes, _>(cause);
        assert_eq!(ResponseClass::of(&failed, None, now), ResponseClass::Transport);
        let mut late = Response::builder().status(504).body(()).unwrap();
        late.extensions_mut().insert(DeadlineError { which: Deadline::Headers, limit: None });
        assert_eq!(ResponseClass::of(&late, None, now), ResponseClass::Deadline);
    }

    #[test]
    fn what_follows_from_each() {
        use ResponseClass::*;
        for (meaning, retry, failover, outcome) in [
            (Good, false, false, None),
            (Transport, true, true, Some(Outcome::Fault)),
            (Unavailable, true, true, Some(Outcome::Fault)),
            (Overloaded, true, true, Some(Outcome::Fault)),
            (Deadline, false, true, Some(Outcome::Fault)),
            (Broken, false, true, Some(Outcome::Fault)),
            (RateLimited(None), true, true, Some(Outcome::Neutral)),
            (Exhausted, false, true, Some(Outcome::Neutral)),
            (Refused, false, true, Some(Outcome::Neutral)),
            (Restricted, false, true, Some(Outcome::Neutral)),
            (UnknownModel, false, true, Some(Outcome::Neutral)),
            (ContextLength, false, true, Some(Outcome::Neutral)),
            (Proxy, false, true, Some(Outcome::Neutral)),
            (ClientError, false, false, Some(Outcome::Neutral)),
            (Rejected, false, true, None),
        ] {
            assert_eq!(meaning.may_be_retried(), retry, "{meaning:?}");
            assert_eq!(meaning.fails_over(), failover, "{meaning:?}");
            assert_eq!(meaning.outcome(), outcome, "{meaning:?}");
        }
    }
}
