use std::{sync::Arc, time::Duration};

use http::StatusCode;

use super::Budget;
use crate::classify::{ResponseClass, RetryAllowance};

/// The statuses that are retried unless others are set.
pub const DEFAULT_STATUSES: [u16; 10] = [408, 409, 424, 429, 498, 500, 502, 503, 504, 529];

/// Retry settings.
///
/// ```
/// use switchtower_layers::retry::Settings;
///
/// let once = Settings { max_retries: 1, ..Settings::default() };
/// assert_eq!(once.base_delay.as_millis(), 500);
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    /// Maximum number of retries after the first attempt.
    pub max_retries: u32,
    /// Maximum number of retries while a router has another target left, by the
    /// [`Exchange`](crate::Exchange) in the request's extensions.
    pub before_failover: u32,
    /// The first wait, before jitter adds up to as much again. It doubles with each retry.
    pub base_delay: Duration,
    /// The longest wait, jitter included. A target that asks for more is not asked again.
    pub max_delay: Duration,
    /// The statuses that are worth another attempt. A success never is, nor an error whose words
    /// say that another attempt is no use: an empty account, an unknown model and the like.
    pub statuses: Arc<[StatusCode]>,
    /// The budget of all requests; `None` for no bound.
    pub budget: Option<Budget>,
}

impl Settings {
    /// The retries that a request may use.
    pub(super) fn allowed(&self, allowance: RetryAllowance) -> u32 {
        match allowance {
            RetryAllowance::All => self.max_retries,
            RetryAllowance::BeforeFailover => self.max_retries.min(self.before_failover),
            RetryAllowance::AtMost(retries) => self.max_retries.min(retries),
        }
    }

    /// Whether an answer that means this is worth another attempt.
    pub(super) fn covers(&self, meaning: ResponseClass, status: StatusCode) -> bool {
        match meaning {
            ResponseClass::Transport => true,
            ResponseClass::Good
            | ResponseClass::Rejected
            | ResponseClass::Deadline
            | ResponseClass::Exhausted => false,
            ResponseClass::RateLimited(_)
            | ResponseClass::Unavailable
            | ResponseClass::Overloaded
            | ResponseClass::Broken => self.statuses.contains(&status),
            // Not what its words say, but what its status is listed for.
            other => {
                other == ResponseClass::of_answer(status, None) && self.statuses.contains(&status)
            }
        }
    }
}

impl Default for Settings {
    /// With a [`Budget`] of its own.
    fn default() -> Self {
        Self {
            max_retries: 3,
            before_failover: 1,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(10),
            statuses: DEFAULT_STATUSES
                .iter()
                .filter_map(|&status| StatusCode::from_u16(status).ok())
                .collect(),
            budget: Some(Budget::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_what_the_table_of_meanings_says() {
        let settings = Settings::default();
        for status in 100..600 {
            let status = StatusCode::from_u16(status).unwrap();
            let response = http::Response::builder().status(status).body(()).unwrap();
            let meaning = ResponseClass::of(&response, None, std::time::SystemTime::now);
            assert_eq!(settings.covers(meaning, status), meaning.may_be_retried(), "{status}");
        }
    }

    #[test]
    fn what_the_statuses_decide() {
        let status = |code: u16| StatusCode::from_u16(code).unwrap();
        let codes = [200, 402, 429, 504, 529].map(status);
        let settings = Settings { statuses: codes.into(), ..Settings::default() };
        for (meaning, code, covered) in [
            (ResponseClass::Transport, 502, true),
            (ResponseClass::Broken, 529, true),
            (ResponseClass::Unavailable, 504, true),
            (ResponseClass::Unavailable, 503, false),
            (ResponseClass::RateLimited(None), 429, true),
            (ResponseClass::Exhausted, 429, false),
            (ResponseClass::Exhausted, 402, false),
            (ResponseClass::Deadline, 504, false),
            (ResponseClass::Rejected, 429, false),
            (ResponseClass::Good, 200, false),
            (ResponseClass::ClientError, 400, false),
            (ResponseClass::ContextLength, 504, false),
            (ResponseClass::Overloaded, 529, true),
            (ResponseClass::Overloaded, 408, false),
        ] {
            assert_eq!(settings.covers(meaning, status(code)), covered, "{meaning:?} {code}");
        }
    }
}
