//! Bounds on what agents are given to do.

use std::time::Duration;

/// Bounds of the task queue, and the timeout of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TasksConfig {
    /// `slots`: how many agents are at work at a time. 1 to 256, default 4.
    pub slots: usize,
    /// `queue`: how many tasks wait for one of them. 1 to 1000000, default 1000.
    pub queue: usize,
    /// `timeout`: how long an agent may take, in whole seconds, where neither the task nor the agent
    /// says. 1 to 604800, default 600.
    pub timeout: Duration,
    /// `output_limit_kb`: how much of an answer is kept, in KiB: its beginning and its end. In bytes
    /// here. 1 to 65536 KiB, default 1024 KiB.
    pub output_limit: usize,
    /// `keep`: how many finished tasks are kept. 1 to 10000000, default 10000.
    pub keep: usize,
}

impl TasksConfig {
    /// The most `slots`.
    pub const MAX_SLOTS: u64 = 256;
    /// The longest `timeout` of a task or an agent, in seconds: a week.
    pub const MAX_TIMEOUT_S: u64 = 604_800;
}

impl Default for TasksConfig {
    fn default() -> Self {
        Self {
            slots: 4,
            queue: 1000,
            timeout: Duration::from_secs(600),
            output_limit: 1 << 20,
            keep: 10_000,
        }
    }
}
