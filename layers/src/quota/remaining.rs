use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName};

use super::reset::reset;

const REMAINING_REQUESTS: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
const REMAINING_TOKENS: HeaderName = HeaderName::from_static("x-ratelimit-remaining-tokens");
const RESET_REQUESTS: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");
const RESET_TOKENS: HeaderName = HeaderName::from_static("x-ratelimit-reset-tokens");

/// Remaining rate limits of the target, from the answer's headers `x-ratelimit-remaining-requests`,
/// `-remaining-tokens`, `-reset-requests` and `-reset-tokens`, as OpenAI's API has them.
///
/// As a response extension it replaces those headers where they were removed.
///
/// ```
/// use std::time::Duration;
/// use http::{HeaderMap, HeaderName, HeaderValue};
/// use switchtower_layers::quota::RateLimitHeaders;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-ratelimit-remaining-requests", HeaderValue::from_static("0"));
/// headers.insert("x-ratelimit-reset-requests", HeaderValue::from_static("6m0s"));
/// let remaining = RateLimitHeaders::read(&headers);
/// assert_eq!(remaining.and_then(|r| r.used_up()), Some(Duration::from_secs(360)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitHeaders {
    /// The limit on requests.
    pub requests: Option<RemainingLimit>,
    /// The limit on tokens.
    pub tokens: Option<RemainingLimit>,
}

/// Remainder of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemainingLimit {
    /// The remaining amount.
    pub count: u64,
    /// Time until it is full again: a duration (`1s`, `6m0s`, `20ms`), seconds, an RFC 3339 time,
    /// or a Unix time in seconds or milliseconds.
    pub reset: Option<Duration>,
}

impl RateLimitHeaders {
    /// Parses these headers; `None` without any. What cannot be read is as good as absent, and what
    /// is negative is 0.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        Self::read_at(headers, SystemTime::now)
    }

    pub(super) fn read_at(headers: &HeaderMap, now: impl Fn() -> SystemTime) -> Option<Self> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let left = |remaining, until| {
            let count: f64 = text(remaining)?.trim().parse().ok()?;
            let reset = text(until).and_then(|text| reset(text, &now));
            // The cast saturates, but makes 0 of what is no number.
            (!count.is_nan()).then_some(RemainingLimit { count: count as u64, reset })
        };
        let requests = left(REMAINING_REQUESTS, RESET_REQUESTS);
        let tokens = left(REMAINING_TOKENS, RESET_TOKENS);
        (requests.is_some() || tokens.is_some()).then_some(Self { requests, tokens })
    }

    /// Time until a used-up limit resets, if one is used up and names its reset.
    pub fn used_up(&self) -> Option<Duration> {
        let lefts = [self.requests, self.tokens].into_iter().flatten();
        lefts.filter(|left| left.count == 0).filter_map(|left| left.reset).max()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// Names without their prefix.
    fn read(lines: &[(&str, &'static str)]) -> Option<RateLimitHeaders> {
        let headers = lines.iter().map(|(name, value)| {
            let name = HeaderName::try_from(format!("x-ratelimit-{name}")).unwrap();
            (name, HeaderValue::from_static(value))
        });
        RateLimitHeaders::read_at(&headers.collect(), || SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn both_limits_are_read() {
        let remaining = read(&[
            ("remaining-requests", "59"),
            ("reset-requests", "1s"),
            ("remaining-tokens", " 149984 "),
        ]);
        let requests = Some(RemainingLimit { count: 59, reset: Some(Duration::from_secs(1)) });
        let tokens = Some(RemainingLimit { count: 149_984, reset: None });
        assert_eq!(remaining, Some(RateLimitHeaders { requests, tokens }));
    }

    #[test]
    fn only_nothing_left_is_used_up() {
        let wait = |lines: &[_]| read(lines).and_then(|remaining| remaining.used_up());
        let seconds = |n| Some(Duration::from_secs(n));
        let none = ("remaining-requests", "0");
        for (lines, expected) in [
            (&[none, ("reset-requests", "12s")][..], seconds(12)),
            (&[none, ("reset-requests", "0s")], seconds(0)),
            (&[("remaining-requests", "1"), ("reset-requests", "12s")], None),
            (&[("remaining-requests", "-1"), ("reset-requests", "12s")], seconds(12)),
            (&[none], None),
            (&[none, ("reset-requests", "soon")], None),
            (&[none, ("reset-tokens", "12s")], None),
            (
                &[
                    none,
                    ("reset-requests", "12s"),
                    ("remaining-tokens", "9"),
                    ("reset-tokens", "99s"),
                ],
                seconds(12),
            ),
            (
                &[
                    none,
                    ("reset-requests", "12s"),
                    ("remaining-tokens", "0"),
                    ("reset-tokens", "99s"),
                ],
                seconds(99),
            ),
        ] {
            assert_eq!(wait(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_says_nothing_is_none() {
        for lines in [
            &[][..],
            &[("reset-requests", "1s")],
            &[("remaining-requests", "many")],
            &[("remaining-requests", "NaN")],
            &[("limit-requests", "60")],
        ] {
            assert_eq!(read(lines), None, "{lines:?}");
        }
    }
}
