use std::{fmt::Write as _, time::Duration};

use http::{HeaderValue, StatusCode, header::RETRY_AFTER, response::Parts};

use super::{Plan, held_frames::HeldFrames};
use crate::{
    Code, Dialect, Rejection, Target,
    classify::{DeadlineError, RETRY_AFTER_MS, ResponseClass, TransportError},
    exchange::UpstreamError,
    rejection::whole_seconds,
};

/// Collects the failures of a request, and composes the client's error when no target is left.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// One per target that failed or was passed over.
    reasons: Vec<String>,
    attempts: u32,
    limited: u32,
    /// Targets that were passed over because of a rate limit, and because of an empty account.
    rate_limited: usize,
    exhausted: usize,
    /// The soonest end of a rate limit of theirs.
    soonest_rate_limit: Option<Duration>,
    soonest: Option<Duration>,
    /// The last attempt's answer, as far as it is one that can be passed on.
    last: Option<(ResponseClass, Parts, HeldFrames)>,
    /// How many of the targets that were passed over could not be sent such a request at all.
    invalid: usize,
    /// What the last of them was answered with.
    last_invalid: Option<(Parts, HeldFrames)>,
}

/// Why a target was not attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PassedOver {
    /// It is in a cooldown after a 429, or its rate limit is used up.
    RateLimited,
    /// Nothing is left to spend.
    Exhausted,
    /// Its circuit is open, for example.
    Other,
}

/// What the client gets when there is no answer to pass on.
pub(super) enum End {
    /// A provider's error, as it came.
    AsItCame(Parts, HeldFrames),
    /// The router's own word.
    Own(Rejection),
}

impl Failures {
    /// An attempt failed without an answer that could be passed on.
    pub(super) fn broke(&mut self, reason: String) {
        self.attempts += 1;
        self.last = None;
        self.reasons.push(reason);
    }

    /// An attempt was answered with an error.
    pub(super) fn answered(
        &mut self,
        reason: String,
        meaning: ResponseClass,
        head: Parts,
        held: HeldFrames,
    ) {
        self.broke(reason);
        if head.status.as_u16() == 429 {
            self.limited += 1;
        }
        if let ResponseClass::RateLimited(wait) = meaning {
            self.wait(wait);
        }
        self.last = Some((meaning, head, held));
    }

    /// A target was not attempted.
    pub(super) fn passed_over(&mut self, reason: String, why: PassedOver, wait: Option<Duration>) {
        self.wait(wait);
        self.reasons.push(reason);
        match why {
            PassedOver::RateLimited => {
                self.rate_limited += 1;
                self.soonest_rate_limit = self.soonest_rate_limit.into_iter().chain(wait).min();
            }
            PassedOver::Exhausted => self.exhausted += 1,
            PassedOver::Other => {}
        }
    }

    /// A layer on the way to a target found the request itself to be wrong, for this target.
    pub(super) fn invalid_for_target(&mut self, reason: String, head: Parts, held: HeldFrames) {
        self.reasons.push(reason);
        self.invalid += 1;
        self.last_invalid = Some((head, held));
    }

    fn wait(&mut self, wait: Option<Duration>) {
        self.soonest = self.soonest.into_iter().chain(wait).min();
    }

    /// What the client gets, by DESIGN's order: nothing attempted, which is its own fault if no
    /// target takes the request; only 429s; a client's error last; else the provider's failure.
    pub(super) fn exhausted(self, plan: &Plan, dialect: Option<Dialect>) -> End {
        if self.attempts == 0 {
            return match self.last_invalid {
                Some((head, held)) if self.invalid == self.reasons.len() => {
                    End::AsItCame(head, held)
                }
                _ => End::Own(self.nobody(plan)),
            };
        }
        let Self { reasons, attempts, limited, soonest, last, .. } = self;
        match last {
            Some((_, mut head, held)) if limited == attempts => {
                if let Some(wait) = soonest {
                    head.headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
                    // That of another wait, which would win.
                    head.headers.remove(RETRY_AFTER_MS);
                }
                End::AsItCame(head, held)
            }
            // Responses clients take it for their own key's, and ask for another one.
            Some((ResponseClass::Refused | ResponseClass::Restricted, ..))
                if dialect == Some(Dialect::Responses) =>
            {
                End::Own(Rejection::new(Code::ProviderError, reasons.join("; ")))
            }
            Some((_, head, held)) if head.status.is_client_error() && !is_for_us(head.status) => {
                End::AsItCame(head, held)
            }
            _ => End::Own(Rejection::new(Code::ProviderError, reasons.join("; "))),
        }
    }

    /// What the client gets when no target was attempted: 429 if it has to wait for rate limits
    /// or for accounts that are empty, else 503.
    fn nobody(self, plan: &Plan) -> Rejection {
        let targets = self.reasons.len();
        let is_held = targets > 0 && self.rate_limited + self.exhausted == targets;
        let (code, soonest) = match is_held {
            true if self.rate_limited > 0 => (Code::RateLimited, self.soonest_rate_limit),
            true => (Code::QuotaExhausted, self.soonest),
            false => (Code::NoProvider, self.soonest),
        };
        let skipped = plan.skipped.iter().map(ToString::to_string);
        let reasons: Vec<_> = self.reasons.into_iter().chain(skipped).collect();
        let mut message = String::from("no provider can be used");
        if !reasons.is_empty() {
            let _ = write!(message, ": {}", reasons.join("; "));
        }
        let rejection = Rejection::new(code, message);
        match soonest {
            Some(wait) => rejection.retry_after(wait),
            None => rejection,
        }
    }

    /// What the client gets when the total deadline has passed.
    pub(super) fn out_of_time(self) -> Rejection {
        let mut message = String::from("the total deadline passed");
        if !self.reasons.is_empty() {
            let _ = write!(message, ": {}", self.reasons.join("; "));
        }
        Rejection::new(Code::DeadlineExceeded, message)
    }
}

/// A 429 among other failures, and what a proxy between us and the provider wants of us.
fn is_for_us(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::PROXY_AUTHENTICATION_REQUIRED)
}

/// One line about an error answer: the provider and what it said.
pub(super) fn reason(target: &Target, head: &Parts, error: &UpstreamError) -> String {
    let provider = &target.provider;
    if let Some(cause) = head.extensions.get::<TransportError>() {
        return format!("{provider}: {cause}");
    }
    if let Some(cause) = head.extensions.get::<DeadlineError>() {
        return format!("{provider}: {cause}");
    }
    let status = head.status.as_u16();
    match error.code.is_some() || error.kind.is_some() || error.message.is_some() {
        false => format!("{provider}: {status}"),
        true => {
            let said = excerpt(&error.to_string());
            let said = if matches!(status, 401 | 403) { without_keys(&said) } else { said };
            format!("{provider}: {status} {said}")
        }
    }
}

/// Masks words that may be a key or what a provider shows of one.
fn without_keys(message: &str) -> String {
    let masked = message.split(' ').map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        if bare.starts_with("sk-") || word.contains("**") { "***" } else { word }
    });
    masked.collect::<Vec<_>>().join(" ")
}

/// A provider's words, fit for a log.
pub(super) fn excerpt(message: &str) -> String {
    message.chars().take(400).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
