use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus::{Counter, Gauge, Registry};
use tokio::runtime::Handle;

use super::families::added;

/// What the kernel counts in a second. It is 100 wherever Linux runs.
const TICKS: f64 = 100.;

/// Process metrics under the names that all Prometheus clients use. What the system does not
/// provide, as outside of Linux, is left out.
#[derive(Debug, Default)]
pub(super) struct Process {
    started: f64,
    cpu: Option<f64>,
    resident: Option<f64>,
    virtual_: Option<f64>,
    open_fds: Option<f64>,
    max_fds: Option<f64>,
    tasks: Option<f64>,
}

impl Process {
    pub(super) fn read(started: SystemTime) -> Self {
        let text = |name| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        let (status, stat, limits) = (text("status"), text("stat"), text("limits"));
        let fds = fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
        Self {
            started: started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
            cpu: cpu(&stat),
            resident: kib(&status, "VmRSS:"),
            virtual_: kib(&status, "VmSize:"),
            // One of them reads the others.
            open_fds: fds.map(|fds| fds.saturating_sub(1) as f64),
            max_fds: field(&limits, "Max open files"),
            tasks: Handle::try_current().ok().map(|it| it.metrics().num_alive_tasks() as f64),
        }
    }

    pub(super) fn register(&self, registry: &Registry) {
        let gauges = [
            (
                "process_start_time_seconds",
                "When the gateway was started, since the Unix epoch.",
                Some(self.started),
            ),
            ("process_resident_memory_bytes", "Resident memory.", self.resident),
            ("process_virtual_memory_bytes", "Virtual memory.", self.virtual_),
            ("process_open_fds", "Open file descriptors.", self.open_fds),
            ("process_max_fds", "How many there may be.", self.max_fds),
            (
                "switchtower_runtime_tasks",
                "Tasks of the runtime that have not ended: about one for each connection.",
                self.tasks,
            ),
        ];
        for (name, help, value) in gauges {
            if let Some(value) = value {
                added(registry, Gauge::new(name, help)).set(value);
            }
        }
        if let Some(cpu) = self.cpu {
            let name = "process_cpu_seconds_total";
            added(registry, Counter::new(name, "Processor time, user and system.")).inc_by(cpu);
        }
    }
}

/// The first number behind a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

fn kib(text: &str, name: &str) -> Option<f64> {
    field(text, name).map(|kib| kib * 1024.)
}

/// The program's name, in parentheses, may have anything in it; behind it is the third field.
fn cpu(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_time_is_behind_the_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 1 0 100 4 5";
        assert_eq!(cpu(stat), Some(3.));
        assert_eq!(cpu(""), None);
        assert_eq!(kib("VmPeak:\t 9 kB\nVmRSS:\t   12 kB\n", "VmRSS:"), Some(12. * 1024.));
        assert_eq!(field("Max open files   1024   4096   files\n", "Max open files"), Some(1024.));
        assert_eq!(field("Max open files   unlimited\n", "Max open files"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_all_of_it() {
        let process = Process::read(SystemTime::now());
        assert!(process.resident.unwrap() > 1e6 && process.virtual_ > process.resident);
        assert!(process.open_fds.unwrap() >= 3.);
        assert!(process.cpu.is_some());
    }
}
