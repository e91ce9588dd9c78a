use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reads a time as RFC 3339 has it, from 1970 on: `2026-10-07T12:00:00Z`, with any fraction of a
/// second and any offset.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use switchtower_layers::quota::timestamp;
///
/// let noon = timestamp("1970-01-02T14:00:00+02:00");
/// assert_eq!(noon, Some(UNIX_EPOCH + Duration::from_secs(36 * 60 * 60)));
/// assert_eq!(timestamp("tomorrow"), None);
/// ```
pub fn timestamp(text: &str) -> Option<SystemTime> {
    let (date, time) = (text.get(..10)?, text.get(11..19)?);
    if !matches!(text.as_bytes()[10], b'T' | b't' | b' ') {
        return None;
    }
    let rest = text.get(19..)?;
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let nanos = match &rest[..rest.len() - zone.len()] {
        "" => 0,
        fraction => nanos(fraction.strip_prefix('.')?)?,
    };
    let seconds = days(date)? * 86_400 + of_day(time)? - offset(zone)?;
    UNIX_EPOCH.checked_add(Duration::new(u64::try_from(seconds).ok()?, nanos))
}

/// Days since 1970 of `2026-10-07`.
fn days(date: &str) -> Option<i64> {
    let [year, month, day] = numbers(date, '-')?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if is_leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = usize::try_from(month - 1).ok()?;
    if !(1..=*lengths.get(before)?).contains(&day) {
        return None;
    }
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leaps(year - 1) - leaps(1969);
    Some(years + lengths[..before].iter().sum::<i64>() + day - 1)
}

/// Seconds of `12:34:56`.
fn of_day(time: &str) -> Option<i64> {
    let [hour, minute, second] = numbers(time, ':')?;
    // 60 is a leap second.
    let is_time = hour < 24 && minute < 60 && second <= 60;
    is_time.then_some(hour * 3600 + minute * 60 + second)
}

/// Seconds of `Z` or `+02:00`.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let [hours, minutes] = numbers(zone.get(1..)?, ':')?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// The first nine digits count.
fn nanos(digits: &str) -> Option<u32> {
    if digits.is_empty() || digits.contains('.') {
        return None;
    }
    format!("{digits:0<9}").get(..9)?.parse().ok()
}

/// Numbers of two digits, or of four in the place of a year.
fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (at, number) in numbers.iter_mut().enumerate() {
        let part = parts.next()?;
        let length = if separator == '-' && at == 0 { 4 } else { 2 };
        if part.len() != length || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<f64> {
        timestamp(text).map(|at| at.duration_since(UNIX_EPOCH).unwrap().as_secs_f64())
    }

    #[test]
    fn times_that_are_known() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0.0),
            ("1970-01-01t00:00:00.5z", 0.5),
            ("2000-02-29 23:59:59Z", 951_868_799.0),
            ("2001-09-09T01:46:40+00:00", 1_000_000_000.0),
            ("2001-09-08T20:16:40-05:30", 1_000_000_000.0),
            ("2025-12-04T19:15:00Z", 1_764_875_700.0),
            ("2025-12-04T19:15:00.123456789123Z", 1_764_875_700.123_456_7),
            ("2016-12-31T23:59:60Z", 1_483_228_800.0),
            ("2100-03-01T00:00:00Z", 4_107_542_400.0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "2025-12-04",
            "2025-12-04T19:15:00",
            "2025-12-04T19:15Z",
            "2025-13-04T19:15:00Z",
            "2025-00-04T19:15:00Z",
            "2025-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2025-04-31T00:00:00Z",
            "2025-12-00T00:00:00Z",
            "2025-12-04T24:00:00Z",
            "2025-12-04T19:15:00.Z",
            "2025-12-04T19:15:00.1.2Z",
            "2025-12-04T19:15:00+0200",
            "2025-12-04T19:15:00+24:00",
            "2025-12-04T19:15:00Zulu",
            "2025-12-04X19:15:00Z",
            "+025-12-04T19:15:00Z",
            "1969-12-31T23:59:59Z",
            "１９７０-01-01T00:00:00Z",
        ] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}
