//! Bounds on tasks.

use std::time::Duration;

use super::Checker;
use crate::TasksConfig;
use crate::raw::RawTasks;

impl Checker<'_> {
    /// What is given, and for the rest the defaults.
    pub(super) fn tasks(&mut self, raw: RawTasks) -> TasksConfig {
        let RawTasks { slots, queue, timeout, output_limit_kb, keep } = raw;
        let defaults = TasksConfig::default();
        let size = |number: Option<u64>, default: usize| {
            number.map_or(default, |number| usize::try_from(number).unwrap_or(usize::MAX))
        };
        let kib = self.within("output_limit_kb", 1..=65_536, output_limit_kb);
        TasksConfig {
            slots: size(self.within("slots", 1..=TasksConfig::MAX_SLOTS, slots), defaults.slots),
            queue: size(self.within("queue", 1..=1_000_000, queue), defaults.queue),
            timeout: self
                .within("timeout", 1..=TasksConfig::MAX_TIMEOUT_S, timeout)
                .map_or(defaults.timeout, Duration::from_secs),
            output_limit: size(kib.map(|kib| kib << 10), defaults.output_limit),
            keep: size(self.within("keep", 1..=10_000_000, keep), defaults.keep),
        }
    }
}
