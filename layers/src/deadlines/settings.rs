use std::time::Duration;

/// Deadlines of an attempt. `None` and zero switch a deadline off.
///
/// ```
/// use std::time::Duration;
/// use switchtower_layers::deadlines::Settings;
///
/// let patient = Settings { idle: None, ..Settings::default() };
/// assert_eq!(patient.headers, Some(Duration::from_secs(60)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Time from the call to the head, for a streamed request.
    pub headers: Option<Duration>,
    /// Time from the call to the first content of a stream, or to the head of a plain answer.
    pub first_token: Option<Duration>,
    /// Between two pieces of the body, from the first content of a stream on, or from the head of a
    /// plain answer on. Without `first_token`, also from the head of a stream on.
    pub idle: Option<Duration>,
}

impl Settings {
    /// No deadlines, except the request's [`RequestDeadline`](super::RequestDeadline).
    pub const OFF: Self = Self { headers: None, first_token: None, idle: None };

    /// With `None` as the only way to say "off".
    pub(super) fn normal(self) -> Self {
        let on = |limit: Option<Duration>| limit.filter(|limit| !limit.is_zero());
        Self { headers: on(self.headers), first_token: on(self.first_token), idle: on(self.idle) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            headers: Some(Duration::from_secs(60)),
            first_token: Some(Duration::from_secs(180)),
            idle: Some(Duration::from_secs(60)),
        }
    }
}
