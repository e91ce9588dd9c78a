//! Parses the wait that a provider names in an error's body.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// From here on a number is a time in seconds, not a number of seconds: 2001-09-09.
const MIN_EPOCH: f64 = 1e9;
/// From here on it is a time in milliseconds.
const MIN_EPOCH_MILLIS: f64 = 1e12;

/// What stands before a wait in a message, in lower case.
const LEADS: [&str; 12] = [
    "again in",
    "again after",
    "retry in",
    "retry after",
    "retry-after",
    "retrying in",
    "please wait",
    "wait for",
    "reset after",
    "reset in",
    "resets in",
    "access in",
];

/// The longest wait that a message names: "Please try again in 6m0s", "retry after 9 seconds".
pub(super) fn in_text(message: &str) -> Option<Duration> {
    let text = message.to_ascii_lowercase();
    let waits = LEADS.iter().flat_map(|lead| {
        text.match_indices(lead).filter_map(|(at, lead)| {
            let behind = &text[at + lead.len()..];
            let behind = behind.trim_start_matches([' ', ':', '=', '"', '\'', '~']);
            duration(behind.strip_prefix("for ").unwrap_or(behind))
        })
    });
    waits.max()
}

/// The wait that a field is: seconds, a duration in words, or `{"seconds": 34, "nanos": 0}`.
pub(super) fn in_field(value: &Value) -> Option<Duration> {
    match value {
        Value::Number(number) => seconds(number.as_f64()?),
        Value::String(text) => duration(text.trim()),
        Value::Object(parts) => {
            let part = |name| parts.get(name).and_then(Value::as_f64).unwrap_or_default();
            parts.contains_key("seconds").then(|| seconds(part("seconds") + part("nanos") / 1e9))?
        }
        _ => None,
    }
}

/// The wait until a field's time: in seconds or milliseconds since 1970, or a wait after all.
pub(super) fn until_field(value: &Value, now: impl FnOnce() -> SystemTime) -> Option<Duration> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_f64(),
    };
    let Some(number) = number.filter(|&number: &f64| number >= MIN_EPOCH) else {
        return in_field(value);
    };
    let since = seconds(if number < MIN_EPOCH_MILLIS { number } else { number / 1000.0 })?;
    let then = UNIX_EPOCH.checked_add(since)?;
    Some(then.duration_since(now()).unwrap_or_default())
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok()
}

/// A wait at the beginning of a text: `1.2s`, `1h2m3.5s`, `20ms`, `9 seconds`, `1 minute and 5
/// seconds`. A number without a unit is seconds.
fn duration(text: &str) -> Option<Duration> {
    let (number, mut rest) = number(text)?;
    let Some((unit, behind)) = unit(rest) else {
        // Not the beginning of a date or of a word.
        let is_alone = !rest.trim_start().starts_with(['-', '/', ':', '%'])
            && !rest.trim_start().starts_with(char::is_alphabetic);
        return seconds(number).filter(|_| is_alone);
    };
    let mut sum = number * unit;
    rest = behind;
    loop {
        let more = rest.trim_start_matches([' ', ',']);
        let more = more.strip_prefix("and ").unwrap_or(more);
        let Some((number, behind)) = self::number(more) else { break };
        let Some((unit, behind)) = self::unit(behind) else { break };
        sum += number * unit;
        rest = behind;
    }
    seconds(sum)
}

fn number(text: &str) -> Option<(f64, &str)> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = text[..text.len() - rest.len()].trim_end_matches('.');
    Some((number.parse().ok()?, rest))
}

/// Seconds in a unit, and what stands behind its name.
fn unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim_start();
    let rest = text.trim_start_matches(char::is_alphabetic);
    let unit = match &text[..text.len() - rest.len()] {
        "ms" | "msec" | "millisecond" | "milliseconds" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    Some((unit, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn waits_in_messages() {
        for (text, millis) in [
            ("Please try again in 1.2s.", Some(1200)),
            ("Please try again in 6m0s. Need more tokens?", Some(360_000)),
            ("Please try again in 20ms", Some(20)),
            ("try again in 1h2m3.5s.", Some(3_723_500)),
            ("Please retry in 12.5s.", Some(12_500)),
            ("Please retry after 9 seconds. Please go here", Some(9000)),
            ("Rate limit is exceeded. Try again in 1 second.", Some(1000)),
            ("try again after 2 minutes", Some(120_000)),
            ("Try again in 1 hour and 5 minutes, or 3 times", Some(3_900_000)),
            ("Your quota will reset after 19h21m51s.", Some(69_711_000)),
            ("Please wait 30 seconds before the next one", Some(30_000)),
            ("Please wait for 2 days", Some(172_800_000)),
            ("retry after: 7", Some(7000)),
            ("retry after 7.", Some(7000)),
            ("try again in 2 s; or retry in 5 s", Some(5000)),
            ("Please try again in 2030-01-01", None),
            ("try again in 3 regions", None),
            ("Please try again later", None),
            ("please wait before trying again", None),
            ("in 5 seconds", None),
            ("try again in .s", None),
            ("", None),
        ] {
            assert_eq!(in_text(text).map(|wait| wait.as_millis()), millis, "{text}");
        }
    }

    #[test]
    fn waits_in_fields() {
        let now = || UNIX_EPOCH + Duration::from_secs(1_764_875_700);
        for (value, millis) in [
            (json!("34s"), Some(34_000)),
            (json!("34.074824224s"), Some(34_074)),
            (json!(34), Some(34_000)),
            (json!(0.5), Some(500)),
            (json!(" 7 "), Some(7000)),
            (json!({"seconds": 3, "nanos": 500_000_000}), Some(3500)),
            (json!({"nanos": 5}), None),
            (json!(1_764_875_760), Some(60_000)),
            (json!("1764875760000"), Some(60_000)),
            (json!(1_764_875_640), Some(0)),
            (json!("soon"), None),
            (json!(-1), None),
            (json!(null), None),
            (json!([1]), None),
        ] {
            let wait = until_field(&value, now).map(|wait| wait.as_millis());
            assert_eq!(wait, millis, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(try again in|retry after|wait for)?[ :]?[0-9.hmsd é\\-]{0,20}\\PC{0,10}") {
            let _ = in_text(&text);
            let _ = in_field(&Value::String(text));
        }
    }
}
