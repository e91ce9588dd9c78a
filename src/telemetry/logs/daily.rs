use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// How many files are kept, one per day.
const KEPT: usize = 14;
const PREFIX: &str = "switchtower.";
const SUFFIX: &str = ".log";

/// `switchtower.YYYY-MM-DD.log` of the day (in UTC), readable only by the gateway's user. The
/// oldest files are deleted.
#[derive(Debug)]
pub(super) struct Daily {
    directory: PathBuf,
    today: Day,
    file: File,
    now: fn() -> SystemTime,
}

impl Daily {
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        Self::with_clock(directory, SystemTime::now)
    }

    fn with_clock(directory: &Path, now: fn() -> SystemTime) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory)?;
        let today = Day::of(now());
        let file = create(directory, today)?;
        Ok(Self { directory: directory.to_owned(), today, file, now })
    }
}

impl Write for Daily {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let today = Day::of((self.now)());
        if today != self.today {
            // Without a new file the old one goes on, and the next line tries again.
            if let Ok(file) = create(&self.directory, today) {
                (self.today, self.file) = (today, file);
            }
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn create(directory: &Path, day: Day) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let (year, month, day) = day.date();
    let name = format!("{PREFIX}{year:04}-{month:02}-{day:02}{SUFFIX}");
    let file = options.open(directory.join(name))?;
    // A full directory is no reason not to log.
    let _ = prune(directory);
    Ok(file)
}

fn prune(directory: &Path) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if name.to_str().is_some_and(is_ours) {
            names.push(name);
        }
    }
    // Names sort as their days do.
    names.sort_unstable();
    let too_many = names.len().saturating_sub(KEPT);
    names[..too_many].iter().try_for_each(|name| fs::remove_file(directory.join(name)))
}

fn is_ours(name: &str) -> bool {
    let date = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    date.is_some_and(|date| {
        date.len() == 10 && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

/// Days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Day(u64);

impl Day {
    fn of(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400)
    }

    /// Year, month and day, by Howard Hinnant's `civil_from_days`.
    fn date(self) -> (u64, u64, u64) {
        let days = self.0 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        (year_of_era + era * 400 + u64::from(month <= 2), month, day)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use parking_lot::Mutex;

    use super::*;

    static TODAY: Mutex<u64> = Mutex::new(0);

    fn clock() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(*TODAY.lock() * 86_400 + 7)
    }

    #[test]
    fn days_have_dates() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_779, (2026, 11, 22)),
            (20_818, (2026, 12, 31)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(Day(days).date(), date, "{days}");
        }
    }

    #[test]
    fn each_day_has_its_file_and_fourteen_are_kept() {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("a/logs");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("switchtower.notes.log"), "not ours").unwrap();
        *TODAY.lock() = 20_779;
        let mut daily = Daily::with_clock(&directory, clock).unwrap();
        for day in 0..20 {
            *TODAY.lock() = 20_779 + day;
            writeln!(daily, "day {day}").unwrap();
            writeln!(daily, "still").unwrap();
        }
        let mut names: Vec<_> =
            fs::read_dir(&directory).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort_unstable();
        assert_eq!(names.len(), KEPT + 1);
        assert_eq!(names[0], "switchtower.2026-11-28.log");
        assert_eq!(fs::read_to_string(directory.join(&names[0])).unwrap(), "day 6\nstill\n");
        assert_eq!(names[KEPT], "switchtower.notes.log");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_them() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("logs");
        let _daily = Daily::open(&directory).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        let file = fs::read_dir(&directory).unwrap().next().unwrap().unwrap();
        assert_eq!(mode(&file.path()), 0o600);
    }
}
