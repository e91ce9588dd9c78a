use std::{fmt, time::Duration};

use super::{Limit, limit::Amount};
use crate::{Code, Rejection};

/// A rejected reservation, with the exhausted limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// The limit that is in the way; of several the one for the longest time.
    pub limit: Limit,
    /// The amount that the request needs.
    pub needed: u64,
    /// The amount that is neither used nor reserved.
    pub left: u64,
    /// When a retry can succeed.
    pub until: Recovery,
}

/// The event that makes room for a rejected request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// The limit's next period, which begins after this time.
    NextPeriod(Duration),
    /// Requests under way, when they end and have not used what they have reserved.
    Settled,
    /// Nothing does: the request may take more than the whole limit.
    Never,
}

/// Retry-After while requests in flight may release their reservations at any moment.
const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);

impl Exhausted {
    /// Time after which a retry may succeed; `None` if it never does.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.until {
            Recovery::NextPeriod(wait) => Some(wait),
            Recovery::Settled => Some(MIN_RETRY_AFTER),
            Recovery::Never => None,
        }
    }

    pub(super) fn rejection(&self) -> Rejection {
        let message = self.to_string();
        match self.retry_after() {
            Some(wait) => Rejection::new(Code::QuotaExhausted, message).retry_after(wait),
            None => Rejection::new(Code::InvalidRequest, message),
        }
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, needed, left, until } = self;
        let needed = Amount(limit.unit, *needed);
        match until {
            Recovery::Never => {
                return write!(
                    f,
                    "the request may take {needed}, but the budget of {limit} never has more"
                );
            }
            Recovery::NextPeriod(_) => write!(f, "the budget of {limit} is used up")?,
            Recovery::Settled => {
                write!(f, "the budget of {limit} is reserved by requests under way")?;
            }
        }
        if *left > 0 {
            let left = Amount(limit.unit, *left);
            write!(f, ": {left} left, and the request may take {needed}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Exhausted {}
