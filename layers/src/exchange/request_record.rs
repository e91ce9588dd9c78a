use std::{fmt, sync::Arc};

use tokio::time::Instant;

use crate::{Code, Target, classify::ResponseClass};

/// Record of a request as a whole, over all its attempts. The `route` layer writes it, if it finds
/// an [`Exchange`](super::Exchange) in the request.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RequestRecord {
    /// The model that was asked for: the client's name for it, or the default one.
    pub model: Option<Arc<str>>,
    /// The plan's targets, in order.
    pub plan: Vec<Target>,
    /// The targets that gave no answer, in order.
    pub failures: Vec<Failure>,
    /// Time of the commit.
    pub committed: Option<Instant>,
}

/// A target that gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The target that was called, or was to be called.
    pub target: Target,
    /// Reason for a missing answer.
    pub cause: Cause,
    /// The next target; `None` when none was left.
    pub next: Option<Target>,
}

impl Failure {
    /// A target that failed, before the next one is known.
    pub fn new(target: Target, cause: Cause) -> Self {
        Self { target, cause, next: None }
    }

    /// Whether the request moved on to another target.
    pub fn is_failover(&self) -> bool {
        self.next.as_ref().is_some_and(|next| *next != self.target)
    }
}

/// `a/m: rate_limited`
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.target, self.cause)
    }
}

/// Reason why a target gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// An attempt failed.
    Attempt(ResponseClass),
    /// A layer on the way rejected the request.
    Rejected {
        /// Which one: [`Rejected::layer`](crate::Rejected::layer).
        layer: &'static str,
        /// Why.
        code: Code,
    },
    /// It had asked to be left alone for a while.
    HeldOff,
}

impl Cause {
    /// A word for it: that of the [`ResponseClass`], `rejected` or `held_off`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attempt(meaning) => meaning.as_str(),
            Self::Rejected { .. } => ResponseClass::Rejected.as_str(),
            Self::HeldOff => "held_off",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected { layer, code } if !layer.is_empty() => {
                write!(f, "rejected by {layer} ({code})")
            }
            other => f.write_str(other.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;

    #[test]
    fn the_same_target_again_is_no_failover() {
        let target = |provider: &str| Target {
            provider: provider.into(),
            model: "m".into(),
            dialect: Dialect::Chat,
        };
        let cause = Cause::Rejected { layer: "quota", code: Code::QuotaExhausted };
        let mut failure = Failure::new(target("a"), cause);
        assert_eq!(failure.to_string(), "a/m: rejected by quota (QUOTA_EXHAUSTED)");
        for (next, is_failover) in [(None, false), (Some("a"), false), (Some("b"), true)] {
            failure.next = next.map(target);
            assert_eq!(failure.is_failover(), is_failover, "{next:?}");
        }
    }
}
