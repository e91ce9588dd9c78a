//! Programs that are run, each in a process group of its own, so that nothing of it stays; and those
//! that run anyhow.

mod group;
#[cfg(target_os = "linux")]
pub(crate) mod linux;
#[cfg(target_os = "linux")]
mod listener;

pub(crate) use group::Group;
#[cfg(target_os = "linux")]
pub(crate) use listener::listener;

/// A program that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) id: u32,
    pub(crate) name: String,
}

/// Other systems have no `/proc`.
#[cfg(not(target_os = "linux"))]
pub(crate) fn listener(_address: std::net::SocketAddr) -> Option<Program> {
    None
}
