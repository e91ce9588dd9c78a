use bytes::Bytes;
use serde::Serialize;
use switchtower_layers::{
    Target,
    exchange::{Cause, Failure, Outcome},
};
use utoipa::ToSchema;

use crate::telemetry::{metrics::outcome_name, stats::Tokens};

/// Maximum length of a text that a client chooses, in characters.
const MAX_TEXT_CHARS: usize = 200;

/// An event, as its `type` and fields go over the wire.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
#[schema(as = LiveEvent)]
pub enum Event {
    /// First on each stream.
    Connected {
        /// How many requests were left out so far, for all listeners.
        left_out: u64,
    },
    /// A call to a model has ended.
    Request(Box<Request>),
    /// Every 15 s, regardless of other events.
    Heartbeat {
        /// How many requests were left out so far, for all listeners.
        left_out: u64,
    },
}

impl Event {
    /// Its lines in an event stream, and the empty one after them.
    pub(super) fn sse(&self) -> Bytes {
        // Texts and numbers always serialise, and JSON escapes line breaks.
        let json = serde_json::to_string(self).unwrap_or_else(|_| "{}".into());
        format!("data: {json}\n\n").into()
    }
}

/// A call to a model that has ended.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = LiveRequest)]
pub struct Request {
    /// The request's `x-request-id`.
    pub id: Option<String>,
    /// Time of its end, in milliseconds since the Unix epoch.
    pub timestamp: u64,
    /// The path.
    pub path: String,
    /// The model that was asked for; `null` when it was refused before that was read.
    pub model: Option<String>,
    /// The targets it came to, in order; retries at one of them are part of its attempt.
    pub attempts: Vec<Attempt>,
    /// The last target that was called, as `provider/model`.
    pub target: Option<String>,
    /// The answer's status; `null` when the client went away before there was one.
    pub status: Option<u16>,
    /// `success`, `fault`, `neutral` (a 4xx), `cancelled` or `rejected` (by the gateway itself).
    pub outcome: &'static str,
    /// Code of the gateway's rejection: an error's `code`.
    pub code: Option<&'static str>,
    /// Time from the request to the end of its answer, in milliseconds.
    pub duration_ms: u64,
    /// Of a stream, time from the request to the first content, in milliseconds.
    pub first_token_ms: Option<u64>,
    /// Usage as the provider reports it.
    pub tokens: Option<Tokens>,
    /// Number of requests that were left out so far, for all listeners.
    pub left_out: u64,
}

/// A request at one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LiveAttempt)]
pub struct Attempt {
    /// The provider.
    pub provider: String,
    /// The target's name for the model.
    pub model: String,
    /// `success`, `fault`, `neutral` (a 4xx), `cancelled` or `rejected` (it was not asked).
    pub outcome: &'static str,
    /// Cause of the failure here: `rate_limited`.
    pub cause: Option<String>,
}

impl Attempt {
    /// Of a target that gave no answer.
    fn failed(failure: &Failure) -> Self {
        let outcome = match failure.cause {
            Cause::Attempt(meaning) => meaning.outcome().map(outcome_name),
            _ => None,
        };
        let cause = Some(failure.cause.to_string());
        Self { outcome: outcome.unwrap_or("rejected"), cause, ..Self::at(&failure.target) }
    }

    fn at(target: &Target) -> Self {
        Self {
            provider: target.provider.to_string(),
            model: short(&target.model),
            outcome: "",
            cause: None,
        }
    }

    /// All of a request: the targets that gave no answer, and the last one, unless that is one of
    /// them.
    pub(in crate::telemetry) fn all(
        failures: &[Failure],
        last: Option<(&Target, Outcome)>,
    ) -> Vec<Self> {
        let expected = failures.last().map(|failure| failure.next.as_ref());
        let answered =
            last.filter(|(target, _)| expected.is_none_or(|expected| expected == Some(*target)));
        let answered = answered
            .map(|(target, outcome)| Self { outcome: outcome_name(outcome), ..Self::at(target) });
        failures.iter().map(Self::failed).chain(answered).collect()
    }
}

/// Names and paths are as long as a client makes them.
pub(in crate::telemetry) fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
