//! The commands that talk to a gateway, as a person runs them.

#[cfg(unix)]
mod directory;
mod gateway;
mod help;
#[cfg(unix)]
mod keys;
mod lists;
#[cfg(unix)]
mod real;
mod setup;
mod shell;
mod task;
#[cfg(target_os = "linux")]
mod terminal;
