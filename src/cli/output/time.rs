//! Times for people.

use switchtower_platform::clock::now;

/// How long ago it was, `3 s ago`; in milliseconds since the Unix epoch.
pub(in crate::cli) fn ago(at: u64) -> String {
    format!("{} ago", span(now().saturating_sub(at)))
}

/// How long it still is, `in 3 s`.
pub(in crate::cli) fn until(at: u64) -> String {
    format!("in {}", span(at.saturating_sub(now())))
}

/// The time of day, in UTC like the gateway's own log.
pub(in crate::cli) fn clock(at: u64) -> String {
    let seconds = at / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// In the largest unit that there is one of.
fn span(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_times() {
        for (millis, text) in [
            (0, "0 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (7_300_000, "2 h"),
            (90_000_000, "1 d"),
        ] {
            assert_eq!(span(millis), text);
        }
        assert_eq!(clock(1_763_838_783_123), "19:13:03Z");
        assert_eq!(ago(u64::MAX), "0 s ago", "clocks differ");
        assert_eq!(until(0), "in 0 s");
    }
}
