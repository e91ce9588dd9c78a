use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: u64 = 24 * 60 * 60;

/// The period of a limit: a day or a month of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From the first of a month to the first of the next.
    Month,
}

impl Period {
    /// Both periods.
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// The number of the day or month that the moment is in; the one that 1970 began with is 0.
    pub fn number(self, at: SystemTime) -> u32 {
        let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let day = seconds / DAY;
        let number = match self {
            Self::Day => day,
            Self::Month => month_of(day),
        };
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// Start of the period with this number.
    pub fn start(self, number: u32) -> SystemTime {
        let day = match self {
            Self::Day => number.into(),
            Self::Month => first_day(number.into()),
        };
        UNIX_EPOCH + Duration::from_secs(day * DAY)
    }

    /// End of the period with this number.
    pub fn end(self, number: u32) -> SystemTime {
        self.start(number.saturating_add(1))
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

// Howard Hinnant's algorithms: years begin in March, so that the leap day is the last one, and 400
// of them are an era of always the same length.
// https://howardhinnant.github.io/date_algorithms.html

/// From the first of March of the year 0 to 1970.
const TO_1970: u64 = 719_468;
const ERA: u64 = 146_097;

/// The number of the month that a day is in.
fn month_of(day: u64) -> u64 {
    let day = day + TO_1970;
    let (era, day) = (day / ERA, day % ERA);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    // March of the year 0 is its third month.
    (era * 400 + year) * 12 + month + 2 - 1970 * 12
}

/// The number of the first day of a month.
fn first_day(month: u64) -> u64 {
    let month = month + 1970 * 12 - 2;
    let (year, month) = (month / 12, month % 12);
    let (era, year) = (year / 400, year % 400);
    let day = 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5;
    era * ERA + day - TO_1970
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A year's length by the rule that everybody knows.
    fn days_in(year: u64) -> [u64; 12] {
        let each = |n| year.is_multiple_of(n);
        let leap = each(4) && (!each(100) || each(400));
        [31, 28 + u64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    }

    #[test]
    fn every_day_of_five_centuries_is_in_its_month() {
        let (mut day, mut month) = (0, 0);
        for year in 1970..2470 {
            for days in days_in(year) {
                assert_eq!(first_day(month), day, "month {month}");
                for _ in 0..days {
                    assert_eq!(month_of(day), month, "day {day}");
                    day += 1;
                }
                month += 1;
            }
        }
    }

    #[test]
    fn a_period_goes_from_its_start_to_its_end() {
        let second = Duration::from_secs(1);
        // 2024-02-29T12:00:00Z
        let noon = UNIX_EPOCH + Duration::from_secs(1_709_208_000);
        for (period, start, end) in [
            (Period::Day, 1_709_164_800, 1_709_251_200),
            (Period::Month, 1_706_745_600, 1_709_251_200),
        ] {
            let number = period.number(noon);
            let [start, end] = [start, end].map(|s| UNIX_EPOCH + Duration::from_secs(s));
            assert_eq!((period.start(number), period.end(number)), (start, end));
            assert_eq!(period.number(start), number);
            assert_eq!(period.number(start - second), number - 1);
            assert_eq!(period.number(end - second), number);
            assert_eq!(period.number(end), number + 1);
        }
    }

    #[test]
    fn no_moment_is_too_early_or_too_late() {
        for period in Period::ALL {
            assert_eq!(period.number(UNIX_EPOCH - Duration::from_secs(1)), 0);
            let _ = period.end(u32::MAX);
        }
        let late = UNIX_EPOCH.checked_add(Duration::from_secs(i64::MAX as u64)).unwrap();
        assert_eq!(Period::Day.number(late), u32::MAX);
    }
}
