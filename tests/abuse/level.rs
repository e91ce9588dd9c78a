//! What the kernel says that the gateway holds.

use std::{fmt, fs, path::Path, time::Duration};

use tokio::time::sleep;

/// How often a look is taken, until nothing has changed for as many looks as it takes.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);
const STABLE_SAMPLES: usize = 10;
const MAX_SAMPLES: usize = 150;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Level {
    pub(crate) sockets: usize,
    /// Other files that are open, by name.
    pub(crate) files: Vec<String>,
    pub(crate) threads: usize,
    /// Of its runtime.
    pub(crate) tasks: f64,
    /// In MiB, and the most that it ever was.
    pub(crate) resident: f64,
    pub(crate) peak: f64,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sockets, files, threads, tasks, resident, peak } = self;
        write!(
            f,
            "{sockets} sockets, {} other files, {threads} threads, {tasks} tasks, \
             {resident:.1} MiB ({peak:.1} at most)",
            files.len()
        )
    }
}

impl Level {
    /// Its own files, each once, and apart from them the same as at first.
    pub(crate) fn holds_the_files_of(&self, start: &Self, home: &Path) {
        let home = home.to_string_lossy();
        let apart = |level: &Self| -> (Vec<String>, Vec<String>) {
            level.files.iter().cloned().partition(|file| file.starts_with(&*home))
        };
        let ((own, others), (_, before)) = (apart(self), apart(start));
        assert_eq!(others, before);
        // They are in order.
        assert!(own.windows(2).all(|two| two[0] != two[1]), "{own:?}");
    }
}

/// Looks until as much is open as in the looks before. Of tasks the kernel knows nothing.
pub(crate) async fn settled(process: u32) -> Level {
    let (mut last, mut same) = (open(process), 0);
    for _ in 0..MAX_SAMPLES {
        sleep(SAMPLE_INTERVAL).await;
        let now = open(process);
        same = if now == last { same + 1 } else { 0 };
        last = now;
        if same == STABLE_SAMPLES {
            break;
        }
    }
    let (sockets, files) = last;
    let memory = |name| status(process, name).expect("it runs") / 1024.;
    let (resident, peak) = (memory("VmRSS:"), memory("VmHWM:"));
    Level { sockets, files, threads: threads(process), tasks: 0., resident, peak }
}

pub(crate) fn threads(process: u32) -> usize {
    status(process, "Threads:").expect("it runs") as usize
}

/// Whether it is there, and not only waited for.
pub(crate) fn is_running(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status"));
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}

/// Sockets, and other files.
fn open(process: u32) -> (usize, Vec<String>) {
    let files = fs::read_dir(format!("/proc/{process}/fd")).expect("it runs").flatten();
    let targets = files.filter_map(|file| fs::read_link(file.path()).ok());
    let targets = targets.map(|target| target.to_string_lossy().into_owned());
    let (sockets, mut others): (Vec<_>, Vec<_>) =
        targets.partition(|target| target.starts_with("socket:"));
    others.sort();
    (sockets.len(), others)
}

fn status(process: u32, name: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}
