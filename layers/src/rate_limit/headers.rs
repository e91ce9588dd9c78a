//! The headers as OpenAI's API has them: the burst, what is left of it, and the time until it is
//! full again as a duration like `12ms`, `1s`, `8.64s` or `6m0s`.

use std::{fmt::Write as _, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::Unit;

/// Of the limit, of what remains, of the reset.
const fn names(unit: Unit) -> [HeaderName; 3] {
    match unit {
        Unit::Requests => [
            HeaderName::from_static("x-ratelimit-limit-requests"),
            HeaderName::from_static("x-ratelimit-remaining-requests"),
            HeaderName::from_static("x-ratelimit-reset-requests"),
        ],
        Unit::Tokens => [
            HeaderName::from_static("x-ratelimit-limit-tokens"),
            HeaderName::from_static("x-ratelimit-remaining-tokens"),
            HeaderName::from_static("x-ratelimit-reset-tokens"),
        ],
    }
}

/// How a key stands after a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QuotaHeaders {
    pub(super) unit: Unit,
    pub(super) limit: u32,
    pub(super) remaining: u32,
    pub(super) reset: Duration,
}

impl QuotaHeaders {
    /// Takes the place of what an inner service has said about a limit of its own.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let [limit, remaining, reset] = names(self.unit);
        headers.insert(limit, HeaderValue::from(self.limit));
        headers.insert(remaining, HeaderValue::from(self.remaining));
        // Digits, letters and a dot are always a value.
        if let Ok(time) = HeaderValue::try_from(duration(self.reset)) {
            headers.insert(reset, time);
        }
    }
}

/// In milliseconds, rounded up.
fn duration(time: Duration) -> String {
    let millis = time.as_nanos().div_ceil(1_000_000);
    if (1..1000).contains(&millis) {
        return format!("{millis}ms");
    }
    let (minutes, rest) = (millis / 60_000, millis % 60_000);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    // Writing to a string does not fail.
    let mut text = String::with_capacity(16);
    if hours > 0 {
        let _ = write!(text, "{hours}h{minutes}m");
    } else if minutes > 0 {
        let _ = write!(text, "{minutes}m");
    }
    let _ = write!(text, "{}", rest / 1000);
    if rest % 1000 > 0 {
        let _ = write!(text, ".{:03}", rest % 1000);
        text.truncate(text.trim_end_matches('0').len());
    }
    text.push('s');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_like_openais() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ms"),
            (12_000_000, "12ms"),
            (12_000_001, "13ms"),
            (999_000_001, "1s"),
            (1_000_000_000, "1s"),
            (1_050_000_000, "1.05s"),
            (8_640_000_000, "8.64s"),
            (10_000_000_000, "10s"),
            (59_999_000_001, "1m0s"),
            (100_500_000_000, "1m40.5s"),
            (360_000_000_000, "6m0s"),
            (3_600_000_000_000, "1h0m0s"),
            (3_661_000_000_000, "1h1m1s"),
            (864_000_000_000_000, "240h0m0s"),
        ] {
            assert_eq!(duration(Duration::from_nanos(nanos)), text, "{nanos} ns");
        }
        assert!(duration(Duration::MAX).ends_with('s'));
    }

    #[test]
    fn an_inner_services_headers_are_replaced_all_of_them() {
        let mut headers = HeaderMap::new();
        for value in ["1", "2"] {
            headers.append("x-ratelimit-limit-requests", HeaderValue::from_static(value));
        }
        headers.append("x-ratelimit-limit-tokens", HeaderValue::from_static("7"));
        let reset = Duration::from_secs(61);
        let standing = QuotaHeaders { unit: Unit::Requests, limit: 60, remaining: 9, reset };
        standing.write(&mut headers);
        assert_eq!(headers.len(), 4);
        assert_eq!(headers["x-ratelimit-limit-requests"], "60");
        assert_eq!(headers["x-ratelimit-remaining-requests"], "9");
        assert_eq!(headers["x-ratelimit-reset-requests"], "1m1s");
        QuotaHeaders { unit: Unit::Tokens, ..standing }.write(&mut headers);
        assert_eq!(headers["x-ratelimit-limit-tokens"], "60");
        assert_eq!(headers.len(), 6);
    }
}
