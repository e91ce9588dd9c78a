use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, header::RETRY_AFTER};

/// `retry-after-ms`: `Retry-After` in milliseconds, which clients that know it believe more.
pub const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// The wait that a server asks for: `retry-after-ms` where it is given, else `Retry-After` in
/// seconds or as an HTTP date (RFC 9110, section 10.2.3). A date in the past is no wait. What
/// cannot be read is as good as absent.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use http::{HeaderMap, HeaderValue, header::RETRY_AFTER};
/// use switchtower_layers::classify::retry_after;
///
/// let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("2"))]);
/// assert_eq!(retry_after(&headers, SystemTime::now()), Some(Duration::from_secs(2)));
/// ```
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &HeaderName| {
        headers.get(name).map(HeaderValue::to_str).and_then(Result::ok).map(str::trim)
    };
    let millis = text(&RETRY_AFTER_MS).and_then(|text| seconds(text, 1000.0));
    millis.or_else(|| {
        let text = text(&RETRY_AFTER)?;
        seconds(text, 1.0).or_else(|| {
            let date = httpdate::parse_http_date(text).ok()?;
            Some(date.duration_since(now).unwrap_or_default())
        })
    })
}

/// Some providers send fractions.
fn seconds(text: &str, divisor: f64) -> Option<Duration> {
    let number: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(number / divisor).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seconds_millis_and_dates() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let millis = |n| Some(Duration::from_millis(n));
        for (name, value, wait) in [
            ("retry-after", "2", millis(2000)),
            ("retry-after", " 0 ", millis(0)),
            ("retry-after", "1.5", millis(1500)),
            ("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT", millis(60_000)),
            ("retry-after", "Sunday, 06-Nov-94 08:49:40 GMT", millis(3000)),
            ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT", millis(0)),
            ("retry-after", "-1", None),
            ("retry-after", "soon", None),
            ("retry-after", "", None),
            ("retry-after", "NaN", None),
            ("retry-after", "1e300", None),
            ("retry-after-ms", "250", millis(250)),
            ("x-other", "2", None),
        ] {
            let name = name.parse::<HeaderName>().unwrap();
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
            assert_eq!(retry_after(&headers, now), wait, "{value}");
        }
    }

    #[test]
    fn milliseconds_win() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        headers.insert(RETRY_AFTER_MS, HeaderValue::from_static("600"));
        assert_eq!(retry_after(&headers, SystemTime::now()), Some(Duration::from_millis(600)));
    }

    proptest! {
        #[test]
        fn any_value_is_read_without_a_panic(
            value in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                "[-+0-9.eEinfNa]{0,25}".prop_map(String::into_bytes),
                "[SMTWF][a-z]{2,8}, [0-9]{1,3}[ -][A-Z][a-z]{2}[ -][0-9]{1,6} [0-9:]{0,12} GMT"
                    .prop_map(String::into_bytes),
            ],
            seconds: u32,
        ) {
            let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
            for name in [RETRY_AFTER, RETRY_AFTER_MS] {
                let headers = HeaderMap::from_iter([(name, value.clone())]);
                let _ = retry_after(&headers, now);
            }
        }

        #[test]
        fn every_wait_is_read_as_it_is_written(wait in 0..10_000_000u64) {
            let headers = |name, value: String| {
                HeaderMap::from_iter([(name, HeaderValue::try_from(value).unwrap())])
            };
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
            let date = httpdate::fmt_http_date(now + Duration::from_secs(wait));
            let seconds = Some(Duration::from_secs(wait));
            prop_assert_eq!(retry_after(&headers(RETRY_AFTER, date), now), seconds);
            prop_assert_eq!(retry_after(&headers(RETRY_AFTER, wait.to_string()), now), seconds);
        }
    }
}
