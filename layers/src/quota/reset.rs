//! Parses the reset time of a limit, in all notations of providers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::timestamp;

/// From here on a number is a time in seconds, not a number of seconds: 2001-09-09.
const IS_EPOCH: f64 = 1e9;
/// From here on it is one in milliseconds.
const IS_MILLIS: f64 = 1e12;

/// How long until then. A time in the past is no wait; what cannot be read is `None`.
pub(super) fn reset(text: &str, now: impl FnOnce() -> SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        let duration = |seconds| Duration::try_from_secs_f64(seconds).ok();
        if number < IS_EPOCH {
            return duration(number);
        }
        let since = duration(if number < IS_MILLIS { number } else { number / 1000.0 })?;
        return Some(until(UNIX_EPOCH.checked_add(since)?, now()));
    }
    parts(text).or_else(|| Some(until(timestamp(text)?, now())))
}

fn until(then: SystemTime, now: SystemTime) -> Duration {
    then.duration_since(now).unwrap_or_default()
}

/// As Go prints durations: `1s`, `6m0s`, `2m59.56s`, `20ms`.
fn parts(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    loop {
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let unit = rest.trim_start_matches(is_number);
        let number: f64 = rest[..rest.len() - unit.len()].parse().ok()?;
        rest = unit.trim_start_matches(|c| !is_number(c));
        seconds += number
            * match &unit[..unit.len() - rest.len()] {
                "d" => 86_400.0,
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" | "μs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        if rest.is_empty() {
            return Duration::try_from_secs_f64(seconds).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_the_ways_to_write_it() {
        let now = UNIX_EPOCH + Duration::from_secs(1_764_875_700);
        for (text, millis) in [
            ("1s", Some(1000)),
            ("6m0s", Some(360_000)),
            ("2m59.56s", Some(179_560)),
            ("20ms", Some(20)),
            ("7.66s", Some(7660)),
            ("1h2m3s", Some(3_723_000)),
            ("1d", Some(86_400_000)),
            ("1m0.5s20ms", Some(60_520)),
            ("1500us", Some(1)),
            ("1500µs", Some(1)),
            ("0s", Some(0)),
            ("0", Some(0)),
            (" 30 ", Some(30_000)),
            ("7.5", Some(7500)),
            ("1764875760", Some(60_000)),
            ("1764875760000", Some(60_000)),
            ("1764875640", Some(0)),
            ("2025-12-04T19:16:00Z", Some(60_000)),
            ("2025-12-04T20:16:00.5+01:00", Some(60_500)),
            ("2025-12-04T19:14:00Z", Some(0)),
            ("", None),
            ("s", None),
            ("1", Some(1000)),
            ("1x", None),
            ("1s2", None),
            ("-1s", None),
            ("-1", None),
            ("1m-1s", None),
            ("1.2.3s", None),
            ("NaN", None),
            ("inf", None),
            ("1e300", None),
            ("soon", None),
        ] {
            let wait = reset(text, || now).map(|wait| wait.as_millis());
            assert_eq!(wait, millis, "{text:?}");
        }
    }
}
