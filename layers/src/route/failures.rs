use std::{fmt::Write as _, time::Duration};

use http::{HeaderValue, header::RETRY_AFTER, response::Parts};

use super::{Plan, held::Held};
use crate::{
    Code, Dialect, Rejection, Target,
    classify::{DeadlineError, Meaning, RETRY_AFTER_MS, TransportError},
    exchange::UpstreamError,
    rejection::whole_seconds,
};

/// What went wrong so far, and what the client is told when nothing is left.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// One per target that failed or was passed over.
    reasons: Vec<String>,
    attempts: u32,
    limited: u32,
    soonest: Option<Duration>,
    /// The last attempt's answer, as far as it is one that can be passed on.
    last: Option<(Meaning, Parts, Held)>,
    /// How many of the targets that were passed over could not be sent such a request at all.
    unfit: usize,
    /// What the last of them was answered with.
    misfit: Option<(Parts, Held)>,
}

/// What the client gets when there is no answer to pass on.
pub(super) enum End {
    /// A provider's error, as it came.
    AsItCame(Parts, Held),
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
    pub(super) fn answered(&mut self, reason: String, meaning: Meaning, head: Parts, held: Held) {
        self.broke(reason);
        if head.status.as_u16() == 429 {
            self.limited += 1;
        }
        if let Meaning::RateLimited(wait) = meaning {
            self.wait(wait);
        }
        self.last = Some((meaning, head, held));
    }

    /// A target was not attempted.
    pub(super) fn passed_over(&mut self, reason: String, wait: Option<Duration>) {
        self.wait(wait);
        self.reasons.push(reason);
    }

    /// A layer on the way to a target found the request itself to be wrong, for this target.
    pub(super) fn unfit(&mut self, reason: String, head: Parts, held: Held) {
        self.reasons.push(reason);
        self.unfit += 1;
        self.misfit = Some((head, held));
    }

    fn wait(&mut self, wait: Option<Duration>) {
        self.soonest = self.soonest.into_iter().chain(wait).min();
    }

    /// What the client gets, by DESIGN's order: nothing attempted, which is its own fault if no
    /// target takes the request; only 429s; a client's error last; else the provider's failure.
    pub(super) fn exhausted(self, plan: &Plan, dialect: Option<Dialect>) -> End {
        let Self { reasons, attempts, limited, soonest, last, unfit, misfit } = self;
        if attempts == 0 {
            return match misfit {
                Some((head, held)) if unfit == reasons.len() => End::AsItCame(head, held),
                _ => End::Own(nobody(plan, reasons, soonest)),
            };
        }
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
            Some((Meaning::Refused, ..)) if dialect == Some(Dialect::Responses) => {
                End::Own(Rejection::new(Code::ProviderError, reasons.join("; ")))
            }
            Some((
                Meaning::Exhausted
                | Meaning::Refused
                | Meaning::UnknownModel
                | Meaning::ContextLength,
                head,
                held,
            )) if head.status.as_u16() != 429 => End::AsItCame(head, held),
            _ => End::Own(Rejection::new(Code::ProviderError, reasons.join("; "))),
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

fn nobody(plan: &Plan, reasons: Vec<String>, soonest: Option<Duration>) -> Rejection {
    let skipped = plan.skipped.iter().map(ToString::to_string);
    let reasons: Vec<_> = reasons.into_iter().chain(skipped).collect();
    let mut message = String::from("no provider can be used");
    if !reasons.is_empty() {
        let _ = write!(message, ": {}", reasons.join("; "));
    }
    let rejection = Rejection::new(Code::NoProvider, message);
    match soonest {
        Some(wait) => rejection.retry_after(wait),
        None => rejection,
    }
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
    match (error.code.as_deref().or(error.kind.as_deref()), error.message.as_deref()) {
        (Some(code), _) => format!("{provider}: {status} {}", excerpt(code)),
        // Such a message may quote the key.
        (None, Some(_)) if matches!(status, 401 | 403) => format!("{provider}: {status}"),
        (None, Some(message)) => format!("{provider}: {status} {}", excerpt(message)),
        (None, None) => format!("{provider}: {status}"),
    }
}

/// A provider's words, fit for a log.
pub(super) fn excerpt(message: &str) -> String {
    message.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
