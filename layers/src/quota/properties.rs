//! Whatever a provider sends, reading it ends well and says what it can.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::{RateLimitHeaders, reset::reset, timestamp};

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC*", bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = timestamp(&text);
        let _ = reset(&text, SystemTime::now);
        let mut headers = HeaderMap::new();
        for name in ["remaining-requests", "reset-requests", "remaining-tokens", "reset-tokens"] {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let name: http::HeaderName = format!("x-ratelimit-{name}").parse().unwrap();
                headers.insert(name, value);
            }
        }
        let _ = RateLimitHeaders::read(&headers).map(|remaining| remaining.used_up());
    }

    /// The alphabet of the formats gets further than any text.
    #[test]
    fn nearly_right_is_read_without_a_panic(text in "[-0-9.hmsdTZ:+e ]{0,30}") {
        let _ = timestamp(&text);
        let _ = reset(&text, SystemTime::now);
    }

    #[test]
    fn every_time_is_read_as_another_crate_writes_it(
        seconds in 0u64..253_402_300_799,
        millis in 0u32..1000,
        offset in -1439i64..1440,
    ) {
        let local = i64::try_from(seconds).unwrap() + offset * 60;
        prop_assume!((0..253_402_300_799).contains(&local));
        let local = UNIX_EPOCH + Duration::from_secs(u64::try_from(local).unwrap());
        // `Sun, 06 Nov 1994 08:49:37 GMT`
        let http = httpdate::fmt_http_date(local);
        let mut words = http.split([' ', ',']).skip(2);
        let [day, month, year, time] = std::array::from_fn(|_| words.next().unwrap());
        let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let month = months.find(month).unwrap() / 3 + 1;
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
        let text = format!("{year}-{month:02}-{day}T{time}.{millis:03}{sign}{hours:02}:{minutes:02}");
        let expected = UNIX_EPOCH + Duration::new(seconds, millis * 1_000_000);
        prop_assert_eq!(timestamp(&text), Some(expected), "{}", text);
    }

    #[test]
    fn every_duration_is_read_as_it_is_written(hours in 0u64..200, minutes in 0u64..60, millis in 0u64..60_000) {
        let text = format!("{hours}h{minutes}m{}s", millis as f64 / 1000.0);
        let expected = Duration::from_millis((hours * 60 + minutes) * 60_000 + millis);
        let read = reset(&text, SystemTime::now).unwrap();
        prop_assert!(read.abs_diff(expected) < Duration::from_micros(1), "{} is not {:?}", text, read);
    }
}
