//! Programs that are run, each in a process group of its own, so that nothing of it stays; and those
//! that run anyhow.

mod group;
#[cfg(target_os = "linux")]
pub mod linux;
#[cfg(target_os = "linux")]
mod listener;

pub use group::Group;
#[cfg(target_os = "linux")]
pub use listener::listener;

/// A program that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Process id.
    pub id: u32,
    /// Name of the executable.
    pub name: String,
}

/// Other systems have no `/proc`.
#[cfg(not(target_os = "linux"))]
pub fn listener(_address: std::net::SocketAddr) -> Option<Program> {
    None
}
