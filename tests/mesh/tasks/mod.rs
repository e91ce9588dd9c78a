//! Tasks.

#[cfg(target_os = "linux")]
mod burst;
#[cfg(unix)]
mod done;
mod refused;
mod wire;
