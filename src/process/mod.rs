//! Programs that are run, each in a process group of its own, so that nothing of it stays.

mod group;
#[cfg(target_os = "linux")]
pub(crate) mod linux;

pub(crate) use group::Group;
