use std::{fmt, time::Duration};

use tokio::time::Instant;

/// The deadlines of an attempt, in the order in which they are named when several pass at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Deadline {
    /// From the call to the answer's head.
    Headers,
    /// From the call to the first content.
    FirstToken,
    /// From one piece of the body to the next.
    Idle,
    /// The instant at which the whole request ends, over all attempts.
    RequestDeadline,
}

/// A deadline that passed: the typed cause on a response that replaces an unanswered attempt, the
/// error of an aborted body, and the fault in the [`Exchange`](crate::Exchange).
///
/// ```
/// use std::time::Duration;
/// use switchtower_layers::classify::{Deadline, DeadlineError};
///
/// let limit = Some(Duration::from_secs(120));
/// let error = DeadlineError { which: Deadline::Idle, limit };
/// assert_eq!(error.to_string(), "silent for 120000 ms");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeadlineError {
    /// Which one.
    pub which: Deadline,
    /// The limit that passed; `None` for the request's deadline, which is an instant.
    pub limit: Option<Duration>,
}

impl fmt::Display for DeadlineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, link) = match self.which {
            Deadline::Headers => ("no answer", "within"),
            Deadline::FirstToken => ("no first token", "within"),
            Deadline::Idle => ("silent", "for"),
            Deadline::RequestDeadline => return f.write_str("total deadline passed"),
        };
        match self.limit {
            Some(limit) => write!(f, "{what} {link} {} ms", limit.as_millis()),
            None => write!(f, "{what} for too long"),
        }
    }
}

impl std::error::Error for DeadlineError {}

/// Deadline of the whole request over all its attempts: an extension of the request, set outside of
/// the layers that make several attempts. Retries and routers read it to see whether another
/// attempt is worth its while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestDeadline(pub Instant);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_what_passed() {
        let limit = Some(Duration::from_secs(300));
        for (which, limit, says) in [
            (Deadline::Headers, limit, "no answer within 300000 ms"),
            (Deadline::FirstToken, limit, "no first token within 300000 ms"),
            (Deadline::Idle, limit, "silent for 300000 ms"),
            (Deadline::Idle, None, "silent for too long"),
            (Deadline::RequestDeadline, None, "total deadline passed"),
        ] {
            assert_eq!(DeadlineError { which, limit }.to_string(), says);
        }
    }
}
